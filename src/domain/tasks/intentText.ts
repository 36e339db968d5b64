import type { Random } from '../random.ts';
import { expand } from './grammar.ts';
import { chineseIntents } from './phrases/chineseIntents.ts';
import { englishIntents } from './phrases/englishIntents.ts';
import {
  type IntentBook,
  type IntentClass,
  intentClasses,
  type PhraseLanguage,
  type TextVariety,
} from './phrases/phraseBook.ts';
import { spanishIntents } from './phrases/spanishIntents.ts';
import { joinSentences, pickVariety } from './sentences.ts';
import { mistype } from './typos.ts';

/** The phrase books of the tasks a validator generates. */
export const intentBooks: readonly IntentBook[] = [englishIntents, chineseIntents, spanishIntents];

export type IntentText = {
  readonly text: string;
  readonly classId: IntentClass;
  readonly language: PhraseLanguage;
  readonly variety: TextVariety;
};

/** Share of texts, in [0, 1], that open with a greeting, give a circumstance, or close with a courtesy. */
const OPENING_SHARE = 0.3;
const CONTEXT_SHARE = 0.25;
const CLOSING_SHARE = 0.3;
/** Share of messages in key words, and of those the share that says it in a whole sentence as well. */
const TERSE_SHARE = 0.45;
const BOTH_SHARE = 0.2;

/** Composes one message of a customer from a phrase book. */
export const composeIntent = (book: IntentBook, random: Random): IntentText => {
  const classId = random.pick(intentClasses);
  const variety = pickVariety(random);
  const say = (template: string): string => expand(template, book.slots, random);
  const parts = [statement({ book, classId, variety, random })];
  if (random.next() < CONTEXT_SHARE) parts.unshift(say(random.pick(book.contexts)));
  if (random.next() < OPENING_SHARE) parts.unshift(say(random.pick(book.openings)));
  if (random.next() < CLOSING_SHARE) parts.push(say(random.pick(book.closings)));
  const text = joinSentences(parts, book.language, random);
  return {
    text: variety === 'typo' ? mistype(text, book.language, random) : text,
    classId,
    language: book.language,
    variety,
  };
};

type Statement = {
  readonly book: IntentBook;
  readonly classId: IntentClass;
  readonly variety: TextVariety;
  readonly random: Random;
};

const statement = ({ book, classId, variety, random }: Statement): string => {
  const core = coreOf(book, classId, random);
  if (variety !== 'negation' && variety !== 'contrast') return core;
  const otherClass = random.pick(intentClasses.filter((intent) => intent !== classId));
  const filled = {
    ...book.slots,
    core: [core],
    topic: [expand(random.pick(topicsOf(book, otherClass)), book.slots, random)],
    settled: [expand(random.pick(book.intents[otherClass].settled), book.slots, random)],
  };
  return expand(random.pick(variety === 'negation' ? book.negations : book.contrasts), filled, random);
};

/** A whole sentence or, where the book has them, key words; now and then both. */
const coreOf = (book: IntentBook, classId: IntentClass, random: Random): string => {
  const sentence = (): string => expand(random.pick(book.intents[classId].cores), book.slots, random);
  const { terse } = book;
  if (terse === undefined || random.next() >= TERSE_SHARE) return sentence();
  const { nouns, fragments } = terse.intents[classId];
  const brief = expand(
    random.pick(terse.asks),
    { ...book.slots, noun: [...nouns, ...book.intents[classId].topics], fragment: fragments },
    random,
  );
  return random.next() < BOTH_SHARE ? `${brief}${book.language === 'zh' ? '，' : ', '}${sentence()}` : brief;
};

const topicsOf = (book: IntentBook, classId: IntentClass): readonly string[] => [
  ...book.intents[classId].topics,
  ...(book.terse?.intents[classId].nouns ?? []),
];
