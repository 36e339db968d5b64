import { createHash } from 'node:crypto';
import { join } from 'node:path';

import * as Effect from 'effect/Effect';
import { afterAll, describe, expect, it } from 'vitest';

import { readModelFolder } from '#src/inference/manifest.ts';
import type { FolderOptions } from './modelFolders.ts';
import { CONFIG, classifierModel, LABELS, makeWorkspace, modelWith } from './modelFolders.ts';

const workspace = makeWorkspace();
afterAll(() => workspace.dispose());

const read = (options: FolderOptions = {}) => Effect.runPromise(readModelFolder(workspace.folder(options)));
const refusal = async (options: FolderOptions) =>
  (await Effect.runPromise(Effect.flip(readModelFolder(workspace.folder(options))))).message;

describe('inference / manifest', () => {
  it('describes a folder as exporters write it', async () => {
    const manifest = await read({ name: 'sentiment' });
    expect(manifest).toEqual({
      name: 'sentiment',
      dir: join(workspace.root, 'sentiment'),
      modelFile: join(workspace.root, 'sentiment', 'model.onnx'),
      modelBytes: classifierModel().length,
      sha256: createHash('sha256').update(classifierModel()).digest('hex'),
      inputs: [
        { name: 'input_ids', elementType: 'int64' },
        { name: 'attention_mask', elementType: 'int64' },
      ],
      outputs: ['logits'],
      logitsOutput: 'logits',
      labels: LABELS,
      activation: 'softmax',
      maxTokens: 48,
      modelType: 'bert',
    });
    expect((await read({ modelPath: 'onnx/model.onnx' })).modelFile).toMatch(/onnx\/model\.onnx$/);
  });

  it('takes the length limit from the tokenizer, the positions, or a default', async () => {
    const unlimited = { model_max_length: 1e30 };
    const { max_position_embeddings: _, ...withoutPositions } = CONFIG;
    expect((await read({ tokenizerConfig: unlimited })).maxTokens).toBe(64);
    expect((await read({ tokenizerConfig: { model_max_length: 512 } })).maxTokens).toBe(64);
    expect((await read({ tokenizerConfig: unlimited, config: withoutPositions })).maxTokens).toBe(512);
    const roberta = { ...CONFIG, model_type: 'roberta', max_position_embeddings: 514, pad_token_id: 1 };
    expect((await read({ tokenizerConfig: unlimited, config: roberta })).maxTokens).toBe(512);
    const long = { ...CONFIG, max_position_embeddings: 100_000 };
    expect((await read({ tokenizerConfig: unlimited, config: long })).maxTokens).toBe(2_048);
  });

  it('knows multi-label classifiers and refuses what is no classifier', async () => {
    const multi = { ...CONFIG, problem_type: 'multi_label_classification' };
    expect((await read({ config: multi })).activation).toBe('sigmoid');
    expect(await refusal({ config: { ...CONFIG, problem_type: 'regression' } })).toMatch(
      /only classifiers are served/,
    );
  });

  it.each<[string, FolderOptions, RegExp]>([
    ['no model', { model: null }, /no model\.onnx or onnx\/model\.onnx in .*optimum-cli export onnx/],
    ['no tokenizer', { tokenizer: null }, /no tokenizer\.json in .*: export the model with "optimum-cli/],
    ['no tokenizer config', { tokenizerConfig: null }, /no tokenizer_config\.json in .*optimum-cli/],
    ['no config', { config: null }, /no config\.json in .*optimum-cli/],
    ['broken JSON', { config: '{"id2label": ' }, /config\.json is not JSON/],
    ['another JSON value', { config: '[1, 2]' }, /does not hold a JSON object/],
    ['no labels', { config: {} }, /config\.json has no id2label: add one such as/],
    ['one label', { config: { id2label: { 0: 'only' } } }, /names 1 labels in id2label/],
    [
      'a gap in the labels',
      { config: { id2label: { 0: 'a', 2: 'b' } } },
      /no distinct label for class 1 of 2/,
    ],
    ['a label twice', { config: { id2label: { 0: 'a', 1: 'a' } } }, /no distinct label for class 1 of 2/],
    [
      'other labels',
      { config: { id2label: { 0: 'a', 1: 'b' } } },
      /scores 3 classes but id2label .* names 2/,
    ],
    ['a cut off model', { model: classifierModel().subarray(0, 700) }, /not a whole ONNX file/],
    ['an empty model', { model: Buffer.alloc(0) }, /model\.onnx cannot be used: it is empty/],
    [
      'an unknown input',
      {
        model: modelWith((graph) => ({
          ...graph,
          inputs: [...graph.inputs, { name: 'pixel_values', type: 'float', dims: ['batch'] }],
        })),
      },
      /wants an input "pixel_values": only input_ids, attention_mask, token_type_ids/,
    ],
    [
      'fixed shapes',
      {
        model: modelWith((graph) => ({
          ...graph,
          inputs: graph.inputs.map((input) => ({ ...input, dims: [1, 128] })),
        })),
      },
      /fixed shape 1 x 128: export with dynamic batch and sequence axes/,
    ],
    ['no text input', { model: modelWith((graph) => ({ ...graph, inputs: [] })) }, /no input "input_ids"/],
    [
      'no class scores',
      {
        model: modelWith((graph) => ({
          ...graph,
          outputs: [{ name: 'last_hidden_state', type: 'float', dims: ['batch', 'sequence', 3] }],
        })),
      },
      /output "last_hidden_state" of model\.onnx is no table of class scores/,
    ],
  ])('refuses a folder with %s', async (_, options, message) => {
    expect(await refusal(options)).toMatch(message);
  });
});
