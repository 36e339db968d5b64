import type { Random } from '../random.ts';
import { expand } from './grammar.ts';
import { chineseSentiment } from './phrases/chineseSentiment.ts';
import { englishSentiment } from './phrases/englishSentiment.ts';
import type { PhraseLanguage, SentimentBook, SentimentLabel, TextVariety } from './phrases/phraseBook.ts';
import { spanishSentiment } from './phrases/spanishSentiment.ts';
import { joinSentences, pickVariety } from './sentences.ts';
import { mistype } from './typos.ts';

/** The phrase books of the tasks a validator generates. */
export const sentimentBooks: readonly SentimentBook[] = [
  englishSentiment,
  chineseSentiment,
  spanishSentiment,
];

export type SentimentText = {
  readonly text: string;
  readonly label: SentimentLabel;
  readonly language: PhraseLanguage;
  readonly variety: TextVariety;
};

/** Shares of texts, in [0, 1], with a circumstance before, a second opinion, or a conclusion after. */
const OPENING_SHARE = 0.35;
const SECOND_CLAUSE_SHARE = 0.35;
const VERDICT_SHARE = 0.35;

/** Composes one customer's remark from a phrase book; both labels are equally likely. */
export const composeSentiment = (book: SentimentBook, random: Random): SentimentText => {
  const label = random.pick(['Positive', 'Negative'] as const);
  const variety = pickVariety(random);
  const side = book.sides[label];
  const say = (template: string): string => expand(template, book.slots, random);
  const parts = [statement({ book, label, variety, random })];
  if (variety !== 'contrast' && random.next() < SECOND_CLAUSE_SHARE)
    parts.push(say(random.pick(side.clauses)));
  if (random.next() < VERDICT_SHARE) parts.push(say(random.pick(side.verdicts)));
  if (random.next() < OPENING_SHARE) parts.unshift(say(random.pick(book.openings)));
  const text = joinSentences(parts, book.language, random);
  return {
    text: variety === 'typo' ? mistype(text, book.language, random) : text,
    label,
    language: book.language,
    variety,
  };
};

type Statement = {
  readonly book: SentimentBook;
  readonly label: SentimentLabel;
  readonly variety: TextVariety;
  readonly random: Random;
};

const statement = ({ book, label, variety, random }: Statement): string => {
  const own = book.sides[label];
  const other = book.sides[label === 'Positive' ? 'Negative' : 'Positive'];
  const say = (template: string): string => expand(template, book.slots, random);
  if (variety === 'negation') return say(random.pick(own.denials));
  if (variety !== 'contrast') return say(random.pick(own.clauses));
  // A denial may stand on either side of the contrast: "not bad, but useless".
  const minor = say(random.pick(random.next() < 0.25 ? other.denials : other.clauses));
  const major = say(random.pick(random.next() < 0.25 ? own.denials : own.clauses));
  return expand(random.pick(book.contrasts), { ...book.slots, minor: [minor], major: [major] }, random);
};
