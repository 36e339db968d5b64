import type { Random } from '../random.ts';
import type { PhraseLanguage, TextVariety } from './phrases/phraseBook.ts';

/** One in five texts each is denied, contrasted or mistyped; the rest is plain. */
export const pickVariety = (random: Random): TextVariety => {
  const drawn = random.next();
  if (drawn < 0.2) return 'negation';
  if (drawn < 0.4) return 'contrast';
  return drawn < 0.6 ? 'typo' : 'plain';
};

/** Puts sentences one after another as people type them: capitals and full stops are sometimes missing. */
export const joinSentences = (
  sentences: readonly string[],
  language: PhraseLanguage,
  random: Random,
): string => {
  const isChinese = language === 'zh';
  const hasCapitals = random.next() < 0.75;
  const stop = isChinese ? '。' : '.';
  const lastStop = random.pick([stop, stop, '', isChinese ? '！' : '!']);
  return sentences
    .map((sentence, index) => {
      const started = hasCapitals ? capitalised(sentence) : sentence;
      if (/[.!?。！？,，]$/u.test(started)) return started;
      return started + (index === sentences.length - 1 ? lastStop : stop);
    })
    .join(isChinese ? '' : ' ');
};

/** Spanish questions open with ¿, so the first letter may be the second character. */
const capitalised = (sentence: string): string =>
  sentence.replace(/^([¿¡]?)(\p{Ll})/u, (_, mark: string, letter: string) => mark + letter.toUpperCase());
