import type { PhraseLanguage } from '../src/domain/tasks/phrases/phraseBook.ts';

/** Length of the sequences that training and held-out texts must not share. */
export const SHARED_NGRAM_LENGTH = 4;

/**
 * Every sequence of four units of a text: words for English and Spanish, characters for Chinese (where a run of
 * Latin letters or digits is one unit). Case, accents and punctuation do not count, so they cannot hide a match.
 */
export const ngramsOf = (text: string, language: PhraseLanguage): string[] => {
  const plain = text.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '');
  const pattern =
    language === 'zh'
      ? /\p{Script=Han}|[\p{L}\p{N}]+?(?=\p{Script=Han}|[^\p{L}\p{N}]|$)/gu
      : /[\p{L}\p{N}]+/gu;
  const units = plain.match(pattern) ?? [];
  const found: string[] = [];
  for (let start = 0; start + SHARED_NGRAM_LENGTH <= units.length; start += 1) {
    found.push(`${language}:${units.slice(start, start + SHARED_NGRAM_LENGTH).join(' ')}`);
  }
  return found;
};
