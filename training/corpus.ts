/**
 * Writes the corpora the starter models are trained and measured on: `node training/corpus.ts <folder>`.
 *
 * Training texts come from the generators of the tasks themselves, held-out texts from other phrase books
 * (`heldout/`). A held-out text that happens to share a four-gram with any training text is dropped and drawn
 * again; the files are checked once more at the end, and the script fails if one is shared or a cell is starved.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, type Random } from '../src/domain/random.ts';
import { composeIntent, intentBooks } from '../src/domain/tasks/intentText.ts';
import type { PhraseLanguage, TextVariety } from '../src/domain/tasks/phrases/phraseBook.ts';
import { composeSentiment, sentimentBooks } from '../src/domain/tasks/sentimentText.ts';
import { chineseIntentsHeldOut } from './heldout/chineseIntents.ts';
import { chineseSentimentHeldOut } from './heldout/chineseSentiment.ts';
import { englishIntentsHeldOut } from './heldout/englishIntents.ts';
import { englishSentimentHeldOut } from './heldout/englishSentiment.ts';
import { spanishIntentsHeldOut } from './heldout/spanishIntents.ts';
import { spanishSentimentHeldOut } from './heldout/spanishSentiment.ts';
import { ngramsOf } from './ngrams.ts';

type Sample = {
  readonly text: string;
  readonly label: string;
  readonly language: PhraseLanguage;
  readonly variety: TextVariety;
};
type Compose = (random: Random) => Sample;

const TRAIN_TEXTS_PER_LANGUAGE = 20_000;
const HELD_OUT_TEXTS_PER_LANGUAGE = 800;
/** The seeds of training and measuring; run-time tasks take theirs from the validator's secret. */
const TRAIN_SEED = 'starter models, training';
const HELD_OUT_SEED = 'starter models, held out';
const RUN_TIME_SEED = 'starter models, tasks as at run time';
const RUN_TIME_TEXTS_PER_LANGUAGE = 1_000;
/** Share of plain texts that training keeps: denied and contrasted ones are the harder lesson. */
const PLAIN_KEPT_SHARE = 0.4;
/** Above this share of dropped texts the held-out books repeat the training books: rewrite them. */
const MAX_DROPPED_SHARE = 0.5;

const corpora: { readonly [model: string]: { readonly train: Compose[]; readonly heldOut: Compose[] } } = {
  'ecommerce-intent': {
    train: intentBooks.map((book) => intentOf(book)),
    heldOut: [englishIntentsHeldOut, chineseIntentsHeldOut, spanishIntentsHeldOut].map((book) =>
      intentOf(book),
    ),
  },
  sentiment: {
    train: sentimentBooks.map((book) => sentimentOf(book)),
    heldOut: [englishSentimentHeldOut, chineseSentimentHeldOut, spanishSentimentHeldOut].map((book) =>
      sentimentOf(book),
    ),
  },
};

function intentOf(book: (typeof intentBooks)[number]): Compose {
  return (random) => {
    const { text, classId, language, variety } = composeIntent(book, random);
    return { text, label: classId, language, variety };
  };
}

function sentimentOf(book: (typeof sentimentBooks)[number]): Compose {
  return (random) => composeSentiment(book, random);
}

const trainingTexts = (composes: readonly Compose[]): Sample[] => {
  const random = createRandom(TRAIN_SEED);
  return composes.flatMap((compose, book) => {
    const kept: Sample[] = [];
    for (let n = 0; kept.length < TRAIN_TEXTS_PER_LANGUAGE; n += 1) {
      const fork = random.fork(`${book}/${n}`);
      const sample = compose(fork);
      if (sample.variety !== 'plain' || fork.next() < PLAIN_KEPT_SHARE) kept.push(sample);
    }
    return kept;
  });
};

/** Tasks exactly as a validator generates them, to measure what the models score at work. */
const runTimeTexts = (composes: readonly Compose[]): Sample[] => {
  const random = createRandom(RUN_TIME_SEED);
  return composes.flatMap((compose, book) =>
    Array.from({ length: RUN_TIME_TEXTS_PER_LANGUAGE }, (_, n) => compose(random.fork(`${book}/${n}`))),
  );
};

const sharesNgram = (sample: Sample, known: ReadonlySet<string>): string | undefined =>
  ngramsOf(sample.text, sample.language).find((ngram) => known.has(ngram));

const heldOutTexts = (composes: readonly Compose[], known: ReadonlySet<string>): Sample[] => {
  const random = createRandom(HELD_OUT_SEED);
  return composes.flatMap((compose, book) => {
    const kept = new Map<string, Sample>();
    const shared = new Map<string, number>();
    let drawn = 0;
    for (; kept.size < HELD_OUT_TEXTS_PER_LANGUAGE; drawn += 1) {
      const sample = compose(random.fork(`${book}/${drawn}`));
      const ngram = sharesNgram(sample, known);
      if (ngram === undefined) kept.set(sample.text, sample);
      else shared.set(ngram, (shared.get(ngram) ?? 0) + 1);
      if (drawn > 40 * HELD_OUT_TEXTS_PER_LANGUAGE) break;
    }
    reportDropped(shared, drawn);
    return [...kept.values()];
  });
};

const reportDropped = (shared: ReadonlyMap<string, number>, drawn: number): void => {
  const dropped = [...shared.values()].reduce((sum, count) => sum + count, 0);
  const most = [...shared].sort(([, a], [, b]) => b - a).slice(0, 25);
  console.log(
    `dropped ${dropped} of ${drawn} held-out texts; most often for: ${most.map(([ngram, n]) => `${ngram} ×${n}`).join(', ')}`,
  );
  if (dropped > drawn * MAX_DROPPED_SHARE)
    throw new Error('the held-out phrase books repeat the training books: rewrite them');
};

const writeLines = (path: string, samples: readonly Sample[]): void =>
  writeFileSync(path, samples.map((sample) => `${JSON.stringify(sample)}\n`).join(''));

const folder = process.argv[2];
if (folder === undefined) throw new Error('name the folder to write to: node training/corpus.ts <folder>');

for (const [model, { train, heldOut }] of Object.entries(corpora)) {
  const training = trainingTexts(train);
  const known = new Set(training.flatMap((sample) => ngramsOf(sample.text, sample.language)));
  const measuring = heldOutTexts(heldOut, known);
  const leaked = measuring.find((sample) => sharesNgram(sample, known) !== undefined);
  if (leaked !== undefined) throw new Error(`held-out text shares a four-gram with training: ${leaked.text}`);
  mkdirSync(join(folder, model), { recursive: true });
  writeLines(join(folder, model, 'train.jsonl'), training);
  writeLines(join(folder, model, 'heldout.jsonl'), measuring);
  writeLines(join(folder, model, 'runtime.jsonl'), runTimeTexts(train));
  console.log(
    `${model}: ${training.length} training texts, ${known.size} four-grams, ${measuring.length} held-out texts`,
  );
}
