import type { Slots } from '../grammar.ts';

/** Languages the synthetic tasks are written in. */
export type PhraseLanguage = 'en' | 'zh' | 'es';

/** What a shop's customers want, as the synthetic classification tasks name it. */
export const intentClasses = [
  'order_status',
  'delivery_delay',
  'cancel_order',
  'change_address',
  'refund',
  'return_item',
  'damaged_item',
  'payment_problem',
  'discount',
  'product_question',
  'account_access',
  'complaint',
] as const;
export type IntentClass = (typeof intentClasses)[number];

export type SentimentLabel = 'Positive' | 'Negative';

/** How a text was made hard; the held-out accuracy is stated for each. */
export type TextVariety = 'plain' | 'negation' | 'contrast' | 'typo';

/** One intent: all strings are templates of the grammar, without a full stop at their end. */
export type IntentPhrases = {
  /** Whole sentences that state the intent. */
  readonly cores: readonly string[];
  /** Noun phrases that name the matter, to be denied when another intent is meant. */
  readonly topics: readonly string[];
  /** Clauses that say the matter is already fine. */
  readonly settled: readonly string[];
};

/** One intent in key words. */
export type TersePhrases = {
  /** Noun phrases that name the matter; they can be asked for or denied. */
  readonly nouns: readonly string[];
  readonly fragments: readonly string[];
};

/** Messages without a whole sentence: frames with `{noun}`, `{fragment}` and `{item}`. */
export type TerseIntents = {
  readonly asks: readonly string[];
  readonly intents: { readonly [Class in IntentClass]: TersePhrases };
};

export type IntentBook = {
  readonly language: PhraseLanguage;
  readonly terse?: TerseIntents;
  readonly intents: { readonly [Class in IntentClass]: IntentPhrases };
  readonly slots: Slots;
  readonly openings: readonly string[];
  readonly contexts: readonly string[];
  readonly closings: readonly string[];
  /** Frames with `{core}` and a denied `{topic}`. */
  readonly negations: readonly string[];
  /** Frames with `{core}` and a `{settled}` clause. */
  readonly contrasts: readonly string[];
};

/** One side of sentiment: templates without a full stop at their end. */
export type SentimentPhrases = {
  /** Clauses that state the opinion with words of this side. */
  readonly clauses: readonly string[];
  /** Clauses that state it by denying the words of the other side. */
  readonly denials: readonly string[];
  /** Short conclusions that may follow. */
  readonly verdicts: readonly string[];
};

export type SentimentBook = {
  readonly language: PhraseLanguage;
  readonly sides: { readonly [Label in SentimentLabel]: SentimentPhrases };
  readonly slots: Slots;
  readonly openings: readonly string[];
  /** Frames with `{minor}` (the side that loses) and `{major}` (the side the text comes down on). */
  readonly contrasts: readonly string[];
};
