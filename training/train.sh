#!/bin/sh
# Makes both starter models from nothing: corpora, training, measuring, export.
# Needs Node 24 and a Python 3.11+ with torch, onnx and tokenizers (see README.md). PYTHON names the interpreter.
set -eu
cd "$(dirname "$0")/.."
python="${PYTHON:-python3}"
corpus="${CORPUS:-$(mktemp -d)}"
# Threads are set by the script; BLAS would start its own.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1

PATH="$PWD/node_modules/.bin:$PATH" node training/corpus.ts "$corpus"
for model in ecommerce-intent sentiment; do
  "$python" -W ignore training/train.py "$model" "$corpus" "models/$model"
  # A slice for the test of the models; the whole file is made again by corpus.ts.
  awk 'NR % 8 == 1' "$corpus/$model/heldout.jsonl" > "training/heldout/$model.sample.jsonl"
done
