import type { Random } from '../random.ts';
import type { PhraseLanguage } from './phrases/phraseBook.ts';

/** Neighbours on a QWERTY keyboard, for slips of the finger. */
const NEIGHBOURS: { readonly [letter: string]: string } = {
  a: 'sqz',
  b: 'vn',
  c: 'xv',
  d: 'sfe',
  e: 'wr',
  f: 'dg',
  g: 'fh',
  h: 'gj',
  i: 'uo',
  j: 'hk',
  k: 'jl',
  l: 'k',
  m: 'n',
  n: 'bm',
  o: 'ip',
  p: 'o',
  q: 'wa',
  r: 'et',
  s: 'ad',
  t: 'ry',
  u: 'yi',
  v: 'cb',
  w: 'qe',
  x: 'zc',
  y: 'tu',
  z: 'xa',
};

/** Characters an input method for Chinese confuses because they sound alike. */
const HOMOPHONES: { readonly [character: string]: string } = {
  的: '得',
  得: '的',
  在: '再',
  再: '在',
  账: '帐',
  帐: '账',
  已: '以',
  做: '作',
  作: '做',
  那: '哪',
  哪: '那',
  他: '她',
  它: '他',
  是: '事',
  到: '道',
  收: '手',
  订: '定',
  定: '订',
  货: '或',
  址: '只',
  退: '腿',
  款: '宽',
  单: '但',
  质: '制',
  服: '福',
  物: '务',
  快: '块',
  递: '第',
  坏: '怀',
  号: '好',
  码: '马',
  很: '狠',
  太: '态',
  用: '永',
  想: '像',
};

/** Shortest Latin word that is mistyped; shorter ones become other words. */
const MIN_WORD_LETTERS = 4;

/** Makes one or two typing errors, the way people of that language make them. */
export const mistype = (text: string, language: PhraseLanguage, random: Random): string => {
  const times = 1 + random.int(2);
  let mistyped = text;
  for (let time = 0; time < times; time += 1) {
    mistyped = language === 'zh' ? mistypeCharacter(mistyped, random) : mistypeWord(mistyped, random);
  }
  return mistyped;
};

const mistypeWord = (text: string, random: Random): string => {
  const words = [...text.matchAll(/\p{L}+/gu)].filter(([word]) => word.length >= MIN_WORD_LETTERS);
  if (words.length === 0) return text;
  const match = random.pick(words);
  const [word] = match;
  // The first letter is hardly ever wrong in real typing errors.
  const at = 1 + random.int(word.length - 2);
  const slipped = slip(word, at, random);
  return text.slice(0, match.index) + slipped + text.slice(match.index + word.length);
};

/** A letter swapped with the next one, left out, doubled, or replaced by its neighbour; or an accent lost. */
const slip = (word: string, at: number, random: Random): string => {
  const letter = word.charAt(at);
  const plain = word.normalize('NFD').replace(/\p{M}/gu, '');
  if (plain !== word && random.next() < 0.5) return plain;
  const before = word.slice(0, at);
  const after = word.slice(at + 1);
  switch (random.int(4)) {
    case 0:
      return before + after.charAt(0) + letter + after.slice(1);
    case 1:
      return before + after;
    case 2:
      return before + letter + letter + after;
    default:
      return before + random.pick([...(NEIGHBOURS[letter.toLowerCase()] ?? letter)]) + after;
  }
};

/** A character replaced by a homophone where one is known, else one doubled or the punctuation lost. */
const mistypeCharacter = (text: string, random: Random): string => {
  const characters = [...text];
  const confusable = characters.flatMap((character, index) =>
    HOMOPHONES[character] === undefined ? [] : [index],
  );
  if (confusable.length > 0 && random.next() < 0.7) {
    const at = random.pick(confusable);
    return characters.map((kept, index) => (index === at ? (HOMOPHONES[kept] ?? kept) : kept)).join('');
  }
  if (random.next() < 0.5) return text.replace(/[，。！？、]/gu, '');
  const doubled = random.int(characters.length);
  return characters.map((kept, index) => (index === doubled ? kept + kept : kept)).join('');
};
