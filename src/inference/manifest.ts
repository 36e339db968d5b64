/** What a Hugging Face style model folder promises, checked before anything is loaded. */
import { basename, join, resolve } from 'node:path';

import * as Effect from 'effect/Effect';

import { ModelFolderError } from './errors.ts';
import type { JsonObject } from './modelFiles.ts';
import { EXPORT_ADVICE, fileSize, hashFiles, isJsonObject, readJsonObject } from './modelFiles.ts';
import type { OnnxHeader, TensorInfo } from './onnxHeader.ts';
import { readOnnxHeader } from './onnxHeader.ts';
import type { Activation, IndexType, InputName } from './tensors.ts';
import { INPUT_NAMES } from './tensors.ts';

export type ModelInput = { readonly name: InputName; readonly elementType: IndexType };

/** A text classifier that can be served. Plain data. */
export type ModelManifest = {
  /** Name of the folder; what requests call the model. */
  readonly name: string;
  readonly dir: string;
  readonly modelFile: string;
  readonly modelBytes: number;
  /** Of the model file, continued over `<model>_data` where the export keeps the weights beside the graph. */
  readonly sha256: string;
  readonly inputs: readonly ModelInput[];
  readonly outputs: readonly string[];
  /** The output that holds the class scores, [rows, labels]. */
  readonly logitsOutput: string;
  /** Index = class. */
  readonly labels: readonly string[];
  readonly activation: Activation;
  /** Longest input in tokens, special tokens included. */
  readonly maxTokens: number;
  readonly modelType: string | null;
};

/** Where exporters put the graph: `torch.onnx` style first, then the layout of the Hub. */
const MODEL_FILES = ['model.onnx', 'onnx/model.onnx'] as const;
const CONFIG_LIMIT_BYTES = 4_194_304;
const LABEL_LIMIT = 1_000;
/** Length taken for a folder that states none: that of BERT. */
const DEFAULT_MAX_TOKENS = 512;
/** Beyond about 2,000 tokens a run gets slower per token and its memory is never given back. */
const MAX_TOKENS_LIMIT = 2_048;
/** Element types of onnx.proto's `TensorProto.DataType`. */
const INDEX_TYPES: Readonly<Record<number, IndexType>> = { 6: 'int32', 7: 'int64' };
const SCORE_TYPES: readonly number[] = [1, 10, 11];
/** These number positions from `pad_token_id + 1`, so that many of the embeddings are never used. */
const OFFSET_POSITIONS = ['roberta', 'xlm-roberta', 'camembert', 'mpnet', 'longformer', 'xlm-roberta-xl'];

type Refuse = (file: string, message: string) => ModelFolderError;
type Checked<A> = Effect.Effect<A, ModelFolderError>;

/** JSON keys "0" … "n-1", each once, none missing: anything else would attach answers to wrong names. */
const labelsOf = (config: JsonObject, refuse: Refuse): Checked<readonly string[]> =>
  Effect.gen(function* () {
    const id2label = config['id2label'];
    if (!isJsonObject(id2label)) {
      return yield* refuse(
        'config.json',
        'config.json has no id2label: add one such as {"0": "negative", "1": "positive"}',
      );
    }
    const size = Object.keys(id2label).length;
    if (size < 2 || size > LABEL_LIMIT) {
      return yield* refuse(
        'config.json',
        `config.json names ${size} labels in id2label: a classifier has 2 to ${LABEL_LIMIT}`,
      );
    }
    const labels: string[] = [];
    for (let index = 0; index < size; index += 1) {
      const label = id2label[String(index)];
      if (typeof label !== 'string' || label === '' || labels.includes(label)) {
        return yield* refuse(
          'config.json',
          `config.json has no distinct label for class ${index} of ${size} in id2label`,
        );
      }
      labels.push(label);
    }
    return labels;
  });

const activationOf = (config: JsonObject, refuse: Refuse): Checked<Activation> => {
  const problem = config['problem_type'] ?? 'single_label_classification';
  if (problem === 'single_label_classification') return Effect.succeed('softmax');
  if (problem === 'multi_label_classification') return Effect.succeed('sigmoid');
  return Effect.fail(
    refuse(
      'config.json',
      `config.json has problem_type ${JSON.stringify(problem)}: only classifiers are served`,
    ),
  );
};

const positiveInteger = (value: unknown): number | null =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : null;

/** Exporters write 1e30 for "no limit stated"; such a number is no safe integer and counts as absent. */
const maxTokensOf = (config: JsonObject, tokenizerConfig: JsonObject): number => {
  const stated = positiveInteger(tokenizerConfig['model_max_length']);
  const embeddings = positiveInteger(config['max_position_embeddings']);
  const padId = config['pad_token_id'];
  const offset = OFFSET_POSITIONS.includes(String(config['model_type']))
    ? (typeof padId === 'number' ? padId : 1) + 1
    : 0;
  const positions = embeddings === null ? null : embeddings - offset;
  return Math.min(stated ?? positions ?? DEFAULT_MAX_TOKENS, positions ?? MAX_TOKENS_LIMIT, MAX_TOKENS_LIMIT);
};

const isInputName = (name: string): name is InputName => INPUT_NAMES.some((known) => known === name);

const inputOf = (input: TensorInfo, refuse: Refuse, file: string): Checked<ModelInput> => {
  const elementType = INDEX_TYPES[input.elementType];
  if (!isInputName(input.name)) {
    return Effect.fail(
      refuse(
        file,
        `${file} wants an input "${input.name}": only ${INPUT_NAMES.join(', ')} can be given; ${EXPORT_ADVICE}`,
      ),
    );
  }
  if (elementType === undefined) {
    return Effect.fail(
      refuse(file, `input "${input.name}" of ${file} is neither int64 nor int32: ${EXPORT_ADVICE}`),
    );
  }
  if (input.dims.length !== 2 || input.dims.some((dim) => dim !== null)) {
    const shape = input.dims.map((dim) => dim ?? '?').join(' x ');
    return Effect.fail(
      refuse(
        file,
        `input "${input.name}" of ${file} has the fixed shape ${shape}: export with dynamic batch and sequence axes`,
      ),
    );
  }
  return Effect.succeed({ name: input.name, elementType });
};

const inputsOf = (header: OnnxHeader, refuse: Refuse, file: string): Checked<readonly ModelInput[]> =>
  Effect.gen(function* () {
    const inputs: ModelInput[] = [];
    for (const input of header.inputs) inputs.push(yield* inputOf(input, refuse, file));
    if (!inputs.some((input) => input.name === 'input_ids')) {
      return yield* refuse(file, `${file} has no input "input_ids": it is no text model; ${EXPORT_ADVICE}`);
    }
    return inputs;
  });

const logitsOf = (
  header: OnnxHeader,
  options: { readonly labels: number; readonly file: string },
  refuse: Refuse,
): Checked<string> => {
  const { file, labels } = options;
  const output = header.outputs.find((candidate) => candidate.name === 'logits') ?? header.outputs[0];
  if (output === undefined) return Effect.fail(refuse(file, `${file} declares no output: ${EXPORT_ADVICE}`));
  const classes = output.dims.at(-1) ?? null;
  if (!SCORE_TYPES.includes(output.elementType) || (output.dims.length !== 2 && output.dims.length !== 0)) {
    return Effect.fail(
      refuse(file, `output "${output.name}" of ${file} is no table of class scores: ${EXPORT_ADVICE}`),
    );
  }
  if (classes !== null && classes !== labels) {
    return Effect.fail(
      refuse(
        'config.json',
        `${file} scores ${classes} classes but id2label in config.json names ${labels}: correct config.json`,
      ),
    );
  }
  return Effect.succeed(output.name);
};

const findModelFile = (dir: string, refuse: Refuse): Checked<string> => {
  const file = MODEL_FILES.find((candidate) => fileSize(join(dir, candidate)) !== null);
  return file === undefined
    ? Effect.fail(refuse('model.onnx', `no ${MODEL_FILES.join(' or ')} in ${dir}: ${EXPORT_ADVICE}`))
    : Effect.succeed(file);
};

/**
 * Reads and validates a model folder: `model.onnx` or `onnx/model.onnx`, `tokenizer.json`, `tokenizer_config.json`
 * and `config.json` with `id2label`.
 *
 * Fails with `ModelFolderError`, whose message names the file and the remedy. The graph is not loaded: whether the
 * runtime accepts it shows when the first worker starts.
 */
export const readModelFolder = Effect.fn('inference.readModelFolder')(function* (modelDir: string) {
  const dir = resolve(modelDir);
  const refuse: Refuse = (file, message) =>
    new ModelFolderError({ dir, file, message: `${dir}: ${message}` });
  const file = yield* findModelFile(dir, refuse);
  if (fileSize(join(dir, 'tokenizer.json')) === null) {
    return yield* refuse('tokenizer.json', `no tokenizer.json in ${dir}: ${EXPORT_ADVICE}`);
  }
  const config = yield* readJsonObject({ dir, file: 'config.json', limitBytes: CONFIG_LIMIT_BYTES });
  const tokenizerConfig = yield* readJsonObject({
    dir,
    file: 'tokenizer_config.json',
    limitBytes: CONFIG_LIMIT_BYTES,
  });
  const modelFile = join(dir, file);
  const header = yield* Effect.try({
    try: () => readOnnxHeader(modelFile),
    catch: (cause) =>
      refuse(file, `cannot read ${file}: ${cause instanceof Error ? cause.message : String(cause)}`),
  });
  if (!header.ok) return yield* refuse(file, `${file} cannot be used: ${header.error}`);
  const labels = yield* labelsOf(config, refuse);
  const inputs = yield* inputsOf(header.value, refuse, file);
  const logitsOutput = yield* logitsOf(header.value, { labels: labels.length, file }, refuse);
  const hashed = [modelFile, `${modelFile}_data`].filter((path) => fileSize(path) !== null);
  const sha256 = yield* Effect.tryPromise({
    try: () => hashFiles(hashed),
    catch: (cause) =>
      refuse(file, `cannot read ${file}: ${cause instanceof Error ? cause.message : String(cause)}`),
  });
  const modelType = config['model_type'];
  const manifest: ModelManifest = {
    name: basename(dir),
    dir,
    modelFile,
    modelBytes: fileSize(modelFile) ?? 0,
    sha256,
    inputs,
    outputs: header.value.outputs.map((output) => output.name),
    logitsOutput,
    labels,
    activation: yield* activationOf(config, refuse),
    maxTokens: maxTokensOf(config, tokenizerConfig),
    modelType: typeof modelType === 'string' ? modelType : null,
  };
  return manifest;
});
