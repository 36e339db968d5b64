import { readFileSync, statSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '#src/domain/random.ts';
import type { Distribution } from '#src/domain/tasks/definition.ts';
import { sentimentAnalysis } from '#src/domain/tasks/sentimentAnalysis.ts';
import { textClassification } from '#src/domain/tasks/textClassification.ts';

const FRESH_TASKS = 300;
const FRESH_SEED = 'starter models, tested on tasks they never saw';
const FOLDER_FILES = [
  'config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'model.onnx',
  'README.md',
];

type Config = {
  readonly id2label: { readonly [index: string]: string };
  readonly label2id: { readonly [label: string]: number };
  readonly max_position_embeddings: number;
};
type Sample = { readonly text: string; readonly label: string };
type Model = {
  readonly config: Config;
  readonly tokenizer: Tokenizer;
  readonly session: InferenceSession;
};

const pathOf = (model: string, file: string): string =>
  new URL(`../../models/${model}/${file}`, import.meta.url).pathname;
const readJson = (model: string, file: string): unknown =>
  JSON.parse(readFileSync(pathOf(model, file), 'utf8'));

const load = async (model: string): Promise<Model> => ({
  config: readJson(model, 'config.json') as Config,
  tokenizer: new Tokenizer(
    readJson(model, 'tokenizer.json') as object,
    readJson(model, 'tokenizer_config.json') as object,
  ),
  session: await InferenceSession.create(pathOf(model, 'model.onnx'), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  }),
});

/** Runs texts as one batch, padded to the longest or further; one distribution per text. */
const classify = async (
  { config, tokenizer, session }: Model,
  texts: readonly string[],
  minTokens = 0,
): Promise<Distribution[]> => {
  const rows = texts.map((text): number[] =>
    tokenizer.encode(text).ids.slice(0, config.max_position_embeddings),
  );
  const length = Math.max(minTokens, ...rows.map((row) => row.length));
  const ids = new BigInt64Array(rows.length * length);
  const mask = new BigInt64Array(rows.length * length);
  rows.forEach((row, index) => {
    row.forEach((id, at) => {
      ids[index * length + at] = BigInt(id);
      mask[index * length + at] = 1n;
    });
  });
  const dims = [rows.length, length];
  const { logits } = await session.run({
    input_ids: new Tensor('int64', ids, dims),
    attention_mask: new Tensor('int64', mask, dims),
  });
  if (logits === undefined) throw new Error('the graph has no output called logits');
  const labels = Object.keys(config.id2label).length;
  expect(logits.dims).toEqual([rows.length, labels]);
  const values = Array.from(logits.data as Float32Array);
  return rows.map((_, index) => softmax(values.slice(index * labels, (index + 1) * labels), config));
};

const softmax = (logits: readonly number[], config: Config): Distribution => {
  const highest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - highest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power, index) => ({
    label: config.id2label[String(index)] ?? '',
    probability: power / total,
  }));
};

const classifyAll = async (model: Model, texts: readonly string[]): Promise<Distribution[]> => {
  const found: Distribution[] = [];
  for (let start = 0; start < texts.length; start += 32) {
    found.push(...(await classify(model, texts.slice(start, start + 32))));
  }
  return found;
};

const topLabel = (distribution: Distribution): string | undefined =>
  [...distribution].sort((a, b) => b.probability - a.probability)[0]?.label;

const heldOutSlice = (model: string): Sample[] =>
  readFileSync(new URL(`../../training/heldout/${model}.sample.jsonl`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Sample);

const freshTasks = <Task>(generate: (random: ReturnType<typeof createRandom>) => Task): Task[] => {
  const random = createRandom(FRESH_SEED);
  return Array.from({ length: FRESH_TASKS }, (_, n) => generate(random.fork(`${n}`)));
};

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe.each(['ecommerce-intent', 'sentiment'])('models / %s', (name) => {
  let model: Model;
  beforeAll(async () => {
    model = await load(name);
  });

  it('is a Hugging Face folder below 5 MB', () => {
    const bytes = FOLDER_FILES.reduce((sum, file) => sum + statSync(pathOf(name, file)).size, 0);
    expect(bytes).toBeLessThan(5_000_000);
    const { id2label, label2id } = model.config;
    expect(Object.entries(id2label).map(([index, label]) => [label, Number(index)])).toEqual(
      Object.entries(label2id),
    );
    expect(model.session.inputNames).toEqual(['input_ids', 'attention_mask']);
    expect(model.session.outputNames).toEqual(['logits']);
  });

  it('answers a text the same alone, padded, and beside others', async () => {
    const texts = heldOutSlice(name)
      .slice(0, 24)
      .map(({ text }) => text);
    const together = await classify(model, texts, 200);
    for (const [index, text] of texts.entries()) {
      const [alone] = await classify(model, [text]);
      const batched = together[index];
      if (alone === undefined || batched === undefined) throw new Error('a distribution is missing');
      expect(topLabel(batched)).toBe(topLabel(alone));
      alone.forEach(({ probability }, at) => {
        expect(Math.abs(probability - (batched[at]?.probability ?? Number.NaN))).toBeLessThan(1e-4);
      });
    }
  });

  it('answers held-out texts of other phrase books', async () => {
    const samples = heldOutSlice(name);
    expect(samples.length).toBeGreaterThanOrEqual(250);
    const guesses = await classifyAll(
      model,
      samples.map(({ text }) => text),
    );
    const hits = guesses.map((guess, index) => (topLabel(guess) === samples[index]?.label ? 1 : 0));
    expect(mean(hits)).toBeGreaterThanOrEqual(0.94);
  });

  it('survives an empty text, unknown scripts and the longest text allowed', async () => {
    for (const text of ['', '🙂', 'ⲁⲃⲅ', 'x'.repeat(4_000), '退款'.repeat(2_000)]) {
      const [distribution] = await classify(model, [text]);
      expect(mean((distribution ?? []).map(({ probability }) => probability))).toBeGreaterThan(0);
    }
  });
});

describe('models / fresh tasks', () => {
  it('ecommerce-intent answers at least 95 % of new classification tasks', async () => {
    const tasks = freshTasks(textClassification.generate);
    const guesses = await classifyAll(
      await load('ecommerce-intent'),
      tasks.map(({ request }) => request.text),
    );
    const accuracies = tasks.map(({ request, truth }, index) => {
      const answer = textClassification.answerFrom({ request, distribution: guesses[index] ?? [] });
      return textClassification.judge({ request, answer, truth }).accuracy;
    });
    expect(mean(accuracies)).toBeGreaterThanOrEqual(0.95);
  });

  it('sentiment answers at least 95 % of new sentiment tasks', async () => {
    const tasks = freshTasks(sentimentAnalysis.generate);
    const guesses = await classifyAll(
      await load('sentiment'),
      tasks.map(({ request }) => request.text),
    );
    const accuracies = tasks.map(({ request, truth }, index) => {
      const answer = sentimentAnalysis.answerFrom({ request, distribution: guesses[index] ?? [] });
      return sentimentAnalysis.judge({ request, answer, truth }).accuracy;
    });
    expect(mean(accuracies)).toBeGreaterThanOrEqual(0.95);
  });
});
