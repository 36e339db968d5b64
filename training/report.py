"""Accuracy on the held-out texts: overall, per language, per variety and per label."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AccuracyTable:
    overall: float
    # (what it was split by, value, share right in [0, 1], number of texts)
    rows: tuple[tuple[str, str, float, int], ...]

    def __str__(self) -> str:
        lines = [f"overall: {self.overall:.4f}"]
        lines += [f"{split} {value}: {share:.4f} of {count}" for split, value, share, count in self.rows]
        return "\n".join(lines)


def accuracy_table(samples: list[dict], guesses: list[str]) -> AccuracyTable:
    right = [sample["label"] == guess for sample, guess in zip(samples, guesses)]
    rows = []
    for split in ("language", "variety", "label"):
        for value in sorted({sample[split] for sample in samples}):
            part = [hit for hit, sample in zip(right, samples) if sample[split] == value]
            rows.append((split, value, sum(part) / len(part), len(part)))
    return AccuracyTable(sum(right) / len(right), tuple(rows))
