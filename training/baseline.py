"""The baseline: logistic regression over a bag of words (Chinese characters count as words)."""

import random
import re

import torch
from torch import nn

SEED = 86
EPOCHS = 4
WORD = re.compile(r"[\u4e00-\u9fff]|[^\W_\u4e00-\u9fff]+")


def words_of(text: str) -> list[str]:
    return sorted(set(WORD.findall(text.lower())))


def bag_of_words_accuracy(training: list[dict], measured: list[list[dict]], labels: list[str]) -> list[float]:
    """For each set of texts the share that the baseline gets right, in [0, 1]."""
    torch.manual_seed(SEED)
    rng = random.Random(SEED)
    bags = [words_of(sample["text"]) for sample in training]
    numbers = {word: index for index, word in enumerate(sorted({word for bag in bags for word in bag}))}
    weights = nn.EmbeddingBag(len(numbers), len(labels), mode="sum")
    nn.init.zeros_(weights.weight)
    bias = nn.Parameter(torch.zeros(len(labels)))
    optimizer = torch.optim.Adam([*weights.parameters(), bias], lr=0.01)
    targets = torch.tensor([labels.index(sample["label"]) for sample in training])
    order = list(range(len(bags)))

    def scores(part: list[list[str]]) -> torch.Tensor:
        known = [[numbers[word] for word in bag if word in numbers] for bag in part]
        offsets = torch.tensor([0] + [len(bag) for bag in known[:-1]]).cumsum(0)
        flat = torch.tensor([word for bag in known for word in bag], dtype=torch.int64)
        return weights(flat, offsets) + bias

    for _ in range(EPOCHS):
        rng.shuffle(order)
        for start in range(0, len(order), 256):
            part = order[start : start + 256]
            loss = nn.functional.cross_entropy(scores([bags[index] for index in part]), targets[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    def accuracy(samples: list[dict]) -> float:
        with torch.no_grad():
            guesses = scores([words_of(sample["text"]) for sample in samples]).argmax(dim=1).tolist()
        return sum(labels[guess] == sample["label"] for guess, sample in zip(guesses, samples)) / len(samples)

    return [accuracy(samples) for samples in measured]
