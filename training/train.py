"""Trains one starter model, measures it, and writes it as a Hugging Face folder.

usage: python training/train.py <ecommerce-intent|sentiment> <corpus folder> <model folder>
"""

import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from baseline import bag_of_words_accuracy
from card import card_of
from data import batches, disturb, encode, pad, read_samples, train_tokenizer
from export import Trained, write_folder
from model import TextCnn
from report import AccuracyTable, accuracy_table

SEED = 86
# One thread: on a shared machine the barriers of a second one cost more than it brings.
THREADS = 1
VOCAB_SIZE = 4000
MAX_TOKENS = 256
BATCH = 96
LEARNING_RATE = 2e-3
LABEL_SMOOTHING = 0.02


@dataclass(frozen=True)
class Settings:
    epochs: int
    # Share of subwords that are hidden, lost or preceded by a foreign one.
    disturbed_share: float
    # How much the vote of single words is trained to be an answer of its own: an intent is mostly its words, while
    # in a remark denial and contrast turn the words around.
    words_loss_weight: float


SETTINGS = {
    "ecommerce-intent": Settings(epochs=4, disturbed_share=0.25, words_loss_weight=0.5),
    "sentiment": Settings(epochs=5, disturbed_share=0.2, words_loss_weight=0.0),
}


def train(
    rows: list[list[int]], labels: list[int], vocab_size: int, label_count: int, settings: Settings
) -> TextCnn:
    rng = random.Random(SEED)
    model = TextCnn(vocab_size, label_count)
    steps = settings.epochs * ((len(rows) + BATCH - 1) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps + 50, pct_start=0.1)
    loss_of = nn.CrossEntropyLoss(label_smoothing=LABEL_SMOOTHING)
    for epoch in range(settings.epochs):
        model.train()
        started, total, seen = time.time(), 0.0, 0
        for part, targets in batches(rows, labels, BATCH, rng):
            ids, mask = pad([disturb(row, settings.disturbed_share, vocab_size, rng) for row in part])
            by_words, by_order = model.by_words(ids, mask), model.by_order(ids, mask)
            # The second term keeps the vote of single words an answer of its own.
            loss = loss_of(by_words + by_order, targets) + settings.words_loss_weight * loss_of(by_words, targets)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total, seen = total + loss.item() * len(part), seen + len(part)
        print(f"epoch {epoch + 1}/{settings.epochs}: loss {total / seen:.4f}, {time.time() - started:.0f} s", flush=True)
    return model.eval()


def predict(model: TextCnn, rows: list[list[int]]) -> list[int]:
    found = []
    with torch.no_grad():
        for start in range(0, len(rows), 64):
            ids, mask = pad(rows[start : start + 64])
            found += model(ids, mask).argmax(dim=1).tolist()
    return found


def main() -> None:
    name, corpus, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    torch.manual_seed(SEED)
    torch.set_num_threads(THREADS)
    training = read_samples(corpus / name / "train.jsonl")
    held_out = read_samples(corpus / name / "heldout.jsonl")
    run_time = read_samples(corpus / name / "runtime.jsonl")
    names = sorted({sample["label"] for sample in training})
    number_of = {label: index for index, label in enumerate(names)}
    labels = [number_of[sample["label"]] for sample in training]
    tokenizer = train_tokenizer([sample["text"] for sample in training], VOCAB_SIZE)
    rows = encode(tokenizer, [sample["text"] for sample in training], MAX_TOKENS)
    model = train(rows, labels, tokenizer.get_vocab_size(), len(names), SETTINGS[name])

    def measure(samples: list[dict]) -> AccuracyTable:
        guesses = predict(model, encode(tokenizer, [sample["text"] for sample in samples], MAX_TOKENS))
        return accuracy_table(samples, [names[index] for index in guesses])

    handwritten = read_samples(Path(__file__).parent / "heldout" / f"{name}.handwritten.jsonl")
    table, run_time_table, handwritten_table = measure(held_out), measure(run_time), measure(handwritten)
    baselines = bag_of_words_accuracy(training, [held_out, run_time, handwritten], names)
    print(table, f"\nrun-time tasks: {run_time_table.overall:.4f}, by hand: {handwritten_table.overall:.4f}")
    print("bag of words (held out, run time, by hand):", *(f"{share:.4f}" for share in baselines), flush=True)
    if table.overall <= baselines[0]:
        raise SystemExit("the model does not beat a bag of words on the held-out texts")
    trained = Trained(
        name=name,
        tokenizer=tokenizer,
        model=model,
        labels=names,
        max_tokens=MAX_TOKENS,
        held_out=table,
        run_time=run_time_table,
        handwritten=handwritten_table,
        baselines=tuple(baselines),
        training_texts=len(training),
    )
    write_folder(target, trained, card_of(trained))


if __name__ == "__main__":
    main()
