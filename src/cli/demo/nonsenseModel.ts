import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { createRandom } from '../../domain/random.ts';
import { writeOnnx } from './onnxWriter.ts';

/** Logits of this size make a softmax claim certainty whatever the text says. */
const loudness = 40;

const labelCount = (config: unknown): number => {
  if (typeof config !== 'object' || config === null || !('id2label' in config)) return 2;
  return Object.keys(config.id2label ?? {}).length;
};

const vocabularySize = (tokenizer: unknown): number => {
  if (typeof tokenizer !== 'object' || tokenizer === null || !('model' in tokenizer)) return 0;
  const { vocab }: { readonly vocab?: object } = tokenizer.model ?? {};
  return vocab === undefined ? 0 : Object.keys(vocab).length;
};

/**
 * Writes a model folder like `like`, whose weights are random: a sum of random token vectors, scaled until the answer
 * is always certain. It loads and answers like any other model, quickly and wrongly.
 */
export const writeNonsenseModel = (options: {
  readonly like: string;
  readonly dir: string;
  readonly seed: string;
}): void => {
  const { like, dir, seed } = options;
  mkdirSync(dir, { recursive: true });
  for (const file of ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json']) {
    copyFileSync(join(like, file), join(dir, file));
  }
  const labels = labelCount(JSON.parse(readFileSync(join(like, 'config.json'), 'utf8')));
  const tokens = vocabularySize(JSON.parse(readFileSync(join(like, 'tokenizer.json'), 'utf8'))) + 64;
  const random = createRandom(seed);
  const table = Float32Array.from({ length: tokens * labels }, () => (random.next() - 0.5) * loudness);
  const model = writeOnnx({
    inputs: [
      { name: 'input_ids', type: 'int64', dims: ['batch', 'sequence'] },
      { name: 'attention_mask', type: 'int64', dims: ['batch', 'sequence'] },
    ],
    outputs: [{ name: 'logits', type: 'float', dims: ['batch', labels] }],
    initializers: [
      { name: 'table', type: 'float', dims: [tokens, labels], values: table },
      { name: 'over', type: 'int64', dims: [1], values: [1] },
      { name: 'last', type: 'int64', dims: [1], values: [2] },
    ],
    nodes: [
      { op: 'Gather', inputs: ['table', 'input_ids'], outputs: ['vectors'] },
      { op: 'Cast', inputs: ['attention_mask'], outputs: ['mask'], attributes: { to: 1 } },
      { op: 'Unsqueeze', inputs: ['mask', 'last'], outputs: ['column'] },
      { op: 'Mul', inputs: ['vectors', 'column'], outputs: ['masked'] },
      { op: 'ReduceSum', inputs: ['masked', 'over'], outputs: ['logits'], attributes: { keepdims: 0 } },
    ],
  });
  writeFileSync(join(dir, 'model.onnx'), model);
};
