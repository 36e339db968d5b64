"""Writes a trained model as a folder in the layout of a Hugging Face export."""

import json
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from tokenizers import Tokenizer

from data import SPECIAL_TOKENS
from model import TextCnn
from report import AccuracyTable

OPSET = 17
MAX_FOLDER_BYTES = 5_000_000
SPECIAL_TOKENS_MAP = {
    "pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]",
}


@dataclass(frozen=True)
class Trained:
    name: str
    tokenizer: Tokenizer
    model: TextCnn
    labels: list[str]
    max_tokens: int
    held_out: AccuracyTable
    run_time: AccuracyTable
    handwritten: AccuracyTable
    # Shares that the bag of words gets right, in [0, 1]: held out, run time, hand-written.
    baselines: tuple[float, ...]
    training_texts: int


def write_folder(folder: Path, trained: Trained, card: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", config_of(trained))
    write_json(folder / "special_tokens_map.json", SPECIAL_TOKENS_MAP)
    write_json(folder / "tokenizer_config.json", tokenizer_config_of(trained))
    trained.tokenizer.save(str(folder / "tokenizer.json"))
    write_onnx(folder / "model.onnx", trained.model)
    (folder / "README.md").write_text(card, encoding="utf-8")
    size = sum(path.stat().st_size for path in folder.iterdir())
    if size >= MAX_FOLDER_BYTES:
        raise SystemExit(f"{folder} holds {size} bytes, more than {MAX_FOLDER_BYTES}")


def config_of(trained: Trained) -> dict:
    model = trained.model
    return {
        "architectures": ["TextCnnForSequenceClassification"],
        "model_type": "textcnn",
        "problem_type": "single_label_classification",
        "id2label": {str(index): label for index, label in enumerate(trained.labels)},
        "label2id": {label: index for index, label in enumerate(trained.labels)},
        "vocab_size": trained.tokenizer.get_vocab_size(),
        "hidden_size": model.embedding.embedding_dim,
        "num_filters": model.phrases[0].out_channels,
        "filter_sizes": [conv.kernel_size[0] for conv in model.phrases],
        "dilations": [block.conv.dilation[0] for block in model.blocks],
        "max_position_embeddings": trained.max_tokens,
        "pad_token_id": 0,
        "torch_dtype": "float32",
    }


def tokenizer_config_of(trained: Trained) -> dict:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": trained.max_tokens,
        "padding_side": "right",
        "truncation_side": "right",
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": True,
        "added_tokens_decoder": {
            str(index): {
                "content": token, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True,
            }
            for index, token in enumerate(SPECIAL_TOKENS)
        },
        **SPECIAL_TOKENS_MAP,
    }


def write_onnx(path: Path, model: TextCnn) -> None:
    ids = torch.tensor([[2, 10, 11, 12, 3], [2, 10, 3, 0, 0]])
    axes = {0: "batch", 1: "sequence"}
    torch.onnx.export(
        model, (ids, (ids != 0).to(torch.int64)), str(path), opset_version=OPSET,
        input_names=["input_ids", "attention_mask"], output_names=["logits"],
        dynamic_axes={"input_ids": axes, "attention_mask": axes, "logits": {0: "batch"}},
    )
    onnx.checker.check_model(onnx.load(str(path)), full_check=True)


def write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
