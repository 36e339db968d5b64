/** Real model folders of a few kilobytes: a bag-of-words sentiment classifier, and one that can be made slow. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Graph, Node } from '#src/cli/demo/onnxWriter.ts';
import { writeOnnx } from '#src/cli/demo/onnxWriter.ts';

export const LABELS = ['negative', 'neutral', 'positive'] as const;

const NEGATIVE = ['bad', 'awful', 'slow', 'broken'];
const POSITIVE = ['good', 'great', 'fast', 'lovely'];
const NEUTRAL = ['the', 'a', 'is', 'shop', 'parcel', 'and', 'very', 'warm', 'up', 'it'];
/** A word whose embedding is not a number, and one beyond the embedding table: what a faulty export does. */
export const POISON = 'poison';
export const OUTSIDE = 'outside';

export const VOCABULARY = [
  '[PAD]',
  '[UNK]',
  '[CLS]',
  '[SEP]',
  ...NEGATIVE,
  ...POSITIVE,
  ...NEUTRAL,
  POISON,
  OUTSIDE,
];
const idOf = (word: string): number => VOCABULARY.indexOf(word);

/** A Hugging Face `tokenizer.json`: lower case, split at white space, word level, [CLS] … [SEP]. */
export const tokenizerJson = () => ({
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: ['[PAD]', '[UNK]', '[CLS]', '[SEP]'].map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: { type: 'Lowercase' },
  pre_tokenizer: { type: 'Whitespace' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '[CLS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[SEP]', type_id: 0 } },
    ],
    pair: [],
    special_tokens: {
      '[CLS]': { id: '[CLS]', ids: [idOf('[CLS]')], tokens: ['[CLS]'] },
      '[SEP]': { id: '[SEP]', ids: [idOf('[SEP]')], tokens: ['[SEP]'] },
    },
  },
  decoder: null,
  model: {
    type: 'WordLevel',
    vocab: Object.fromEntries(VOCABULARY.map((word, id) => [word, id])),
    unk_token: '[UNK]',
  },
});

/** One row per word and one column per label; the last word of the vocabulary has no row. */
const embedding = (): Float32Array => {
  const width = LABELS.length;
  const table = new Float32Array((VOCABULARY.length - 1) * width);
  for (const word of NEGATIVE) table[idOf(word) * width] = 3;
  for (const word of NEUTRAL) table[idOf(word) * width + 1] = 0.5;
  for (const word of POSITIVE) table[idOf(word) * width + 2] = 3;
  table.fill(Number.NaN, idOf(POISON) * width, (idOf(POISON) + 1) * width);
  return table;
};

/** Mean of the embeddings of the real tokens, then a linear layer: input_ids, attention_mask -> logits. */
const classifierNodes = (output: string): readonly Node[] => [
  { op: 'Gather', inputs: ['embedding', 'input_ids'], outputs: ['words'] },
  { op: 'Unsqueeze', inputs: ['attention_mask', 'lastAxis'], outputs: ['maskInt'] },
  { op: 'Equal', inputs: ['maskInt', 'one'], outputs: ['isReal'] },
  // Where and not Mul: a padded NaN would spoil a product.
  { op: 'Where', inputs: ['isReal', 'words', 'zero'], outputs: ['kept'] },
  { op: 'Cast', inputs: ['maskInt'], outputs: ['mask'], attributes: { to: 1 } },
  { op: 'ReduceSum', inputs: ['kept', 'middleAxis'], outputs: ['sum'], attributes: { keepdims: 0 } },
  { op: 'ReduceSum', inputs: ['mask', 'middleAxis'], outputs: ['count'], attributes: { keepdims: 0 } },
  { op: 'Div', inputs: ['sum', 'count'], outputs: ['mean'] },
  { op: 'Gemm', inputs: ['mean', 'weight', 'bias'], outputs: [output] },
];

const classifierGraph = (): Graph => ({
  inputs: [
    { name: 'input_ids', type: 'int64', dims: ['batch', 'sequence'] },
    { name: 'attention_mask', type: 'int64', dims: ['batch', 'sequence'] },
  ],
  outputs: [{ name: 'logits', type: 'float', dims: ['batch', LABELS.length] }],
  nodes: classifierNodes('logits'),
  initializers: [
    {
      name: 'embedding',
      type: 'float',
      dims: [VOCABULARY.length - 1, LABELS.length],
      values: embedding(),
    },
    { name: 'weight', type: 'float', dims: [3, 3], values: [2, 0.1, -1, 0, 1, 0, -1, 0.1, 2] },
    { name: 'bias', type: 'float', dims: [3], values: [0, 0.2, 0] },
    { name: 'one', type: 'int64', dims: [1], values: [1] },
    { name: 'zero', type: 'float', dims: [1], values: [0] },
    { name: 'lastAxis', type: 'int64', dims: [1], values: [2] },
    { name: 'middleAxis', type: 'int64', dims: [1], values: [1] },
  ],
});

const SLOW_STEPS = 200;
/** Side of the square matrices per token: 40 tokens make 2,560 x 2,560, a third of a second a step on one core. */
const SLOW_SIDE_PER_TOKEN = 64;

/** The same answers, after a chain of matrix products whose size grows with the length of the text. */
const slowGraph = (): Graph => {
  const base = classifierGraph();
  const chain: Node[] = Array.from({ length: SLOW_STEPS }, (_, step) => ({
    op: 'MatMul',
    inputs: [`square${step}`, 'square0'],
    outputs: [`square${step + 1}`],
  }));
  return {
    ...base,
    nodes: [
      ...classifierNodes('scores'),
      { op: 'Shape', inputs: ['input_ids'], outputs: ['length'], attributes: { start: 1, end: 2 } },
      { op: 'Mul', inputs: ['length', 'sidePerToken'], outputs: ['side'] },
      { op: 'Concat', inputs: ['side', 'side'], outputs: ['shape'], attributes: { axis: 0 } },
      {
        op: 'ConstantOfShape',
        inputs: ['shape'],
        outputs: ['square0'],
        attributes: { value: { tensor: { name: 'fill', type: 'float', dims: [1], values: [0] } } },
      },
      ...chain,
      { op: 'ReduceMax', inputs: [`square${SLOW_STEPS}`], outputs: ['nothing'], attributes: { keepdims: 0 } },
      { op: 'Add', inputs: ['scores', 'nothing'], outputs: ['logits'] },
    ],
    initializers: [
      ...base.initializers,
      { name: 'sidePerToken', type: 'int64', dims: [1], values: [SLOW_SIDE_PER_TOKEN] },
    ],
  };
};

export const classifierModel = (): Buffer => writeOnnx(classifierGraph());
export const slowModel = (): Buffer => writeOnnx(slowGraph());
export const modelWith = (change: (graph: Graph) => Graph): Buffer => writeOnnx(change(classifierGraph()));

export type FolderOptions = {
  readonly name?: string;
  readonly model?: Buffer | null;
  readonly modelPath?: string;
  readonly config?: unknown;
  readonly tokenizer?: unknown;
  readonly tokenizerConfig?: unknown;
};

export const CONFIG = {
  model_type: 'bert',
  id2label: Object.fromEntries(LABELS.map((label, index) => [String(index), label])),
  max_position_embeddings: 64,
  pad_token_id: 0,
};

const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** A directory for one test file; `dispose` removes it. */
export const makeWorkspace = () => {
  const root = mkdtempSync(join(tmpdir(), 'miaoai-models-'));
  let made = 0;
  return {
    root,
    dispose: () => rmSync(root, { recursive: true, force: true }),
    /** Writes a folder; a part given as null is left out, as a string is written as it is. */
    folder: (options: FolderOptions = {}): string => {
      made += 1;
      const dir = join(root, options.name ?? `model${made}`);
      mkdirSync(join(dir, 'onnx'), { recursive: true });
      const parts: readonly (readonly [string, unknown])[] = [
        ['config.json', options.config === undefined ? CONFIG : options.config],
        ['tokenizer.json', options.tokenizer === undefined ? tokenizerJson() : options.tokenizer],
        [
          'tokenizer_config.json',
          options.tokenizerConfig === undefined
            ? { model_max_length: 48, pad_token: '[PAD]', tokenizer_class: 'PreTrainedTokenizerFast' }
            : options.tokenizerConfig,
        ],
      ];
      for (const [file, value] of parts) if (value !== null) writeFileSync(join(dir, file), asText(value));
      const model = options.model === undefined ? classifierModel() : options.model;
      if (model !== null) writeFileSync(join(dir, options.modelPath ?? 'model.onnx'), model);
      return dir;
    },
  };
};
