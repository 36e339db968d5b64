"""Corpora, tokenizer and batches of the starter models."""

import json
import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PAD, UNK, CLS, SEP = 0, 1, 2, 3


def read_samples(path: Path) -> list[dict]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def train_tokenizer(texts: list[str], vocab_size: int) -> Tokenizer:
    """WordPiece as in BERT: lower case, accents stripped, every Chinese character a word of its own."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=True
    )
    # Single digits: an order number must not become a word that stands for one class.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Digits(individual_digits=True)]
    )
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    # Every printable ASCII character, so that a word never seen still falls into known pieces.
    alphabet = [chr(code) for code in range(33, 127) if not chr(code).isupper()] + list("。，！？、：；（）¿¡€£…“”’–")
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size,
        min_frequency=3,
        limit_alphabet=2000,
        initial_alphabet=alphabet,
        special_tokens=SPECIAL_TOKENS,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)]
    )
    return with_letter_continuations(tokenizer)


def with_letter_continuations(tokenizer: Tokenizer) -> Tokenizer:
    """Adds `##x` for every ASCII letter and digit that the trainer saw too rarely to keep."""
    saved = json.loads(tokenizer.to_str())
    vocab = saved["model"]["vocab"]
    for character in "abcdefghijklmnopqrstuvwxyz0123456789":
        for piece in (character, f"##{character}"):
            vocab.setdefault(piece, len(vocab))
    return Tokenizer.from_str(json.dumps(saved))


def encode(tokenizer: Tokenizer, texts: list[str], max_tokens: int) -> list[list[int]]:
    encoded = (encoding.ids for encoding in tokenizer.encode_batch(texts))
    return [ids if len(ids) <= max_tokens else ids[: max_tokens - 1] + [SEP] for ids in encoded]


def pad(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(len(row) for row in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = torch.tensor(row)
    return ids, (ids != PAD).to(torch.int64)


def disturb(row: list[int], share: float, vocab_size: int, rng: random.Random) -> list[int]:
    """Hides some subwords as [UNK], loses some and slips in foreign ones, so that no single one decides."""
    kept = []
    for token in row:
        if token in (CLS, SEP):
            kept.append(token)
            continue
        drawn = rng.random() / share
        if drawn < 1 / 3:
            continue
        if drawn < 2 / 3:
            kept.append(UNK)
            continue
        if drawn < 1:
            kept.append(rng.randrange(len(SPECIAL_TOKENS), vocab_size))
        kept.append(token)
    return kept


def batches(rows: list[list[int]], labels: list[int], size: int, rng: random.Random):
    """Batches of like length in random order."""
    order = list(range(len(rows)))
    rng.shuffle(order)
    window = size * 50
    found = []
    for start in range(0, len(order), window):
        part = sorted(order[start : start + window], key=lambda index: len(rows[index]))
        found += [part[at : at + size] for at in range(0, len(part), size)]
    rng.shuffle(found)
    for part in found:
        yield [rows[index] for index in part], torch.tensor([labels[index] for index in part])
