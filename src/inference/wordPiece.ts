/**
 * WordPiece by longest match, with bounded work per word. Pure.
 *
 * The library tries every length up to the rest of the word, joining characters each time: 500 words of 100 characters
 * cost it 150 ms, and the sender chooses the words. No piece is longer than the longest in the vocabulary (about 18
 * characters in BERT's), so that longer attempts cannot succeed and are left out. The result is the same.
 */
export type WordPieces = {
  readonly has: (piece: string) => boolean;
  /** Written before a piece that does not begin a word, "##" in BERT. */
  readonly continuation: string;
  readonly unknown: string;
  /** Words of more characters (code points) are unknown as a whole. */
  readonly longestWord: number;
  /** Characters (UTF-16 units) of the longest piece. */
  readonly longestPiece: number;
};

/** Offsets in UTF-16 units at which the characters of a word begin, and its end. */
const boundariesOf = (word: string): readonly number[] => {
  const boundaries = [0];
  for (const character of word) boundaries.push((boundaries.at(-1) ?? 0) + character.length);
  return boundaries;
};

/** The longest piece that begins at the given character; null where there is none. */
const longestMatch = (word: string, boundaries: readonly number[], from: number, pieces: WordPieces) => {
  const start = boundaries[from] ?? 0;
  const prefix = from === 0 ? '' : pieces.continuation;
  const last = Math.min(boundaries.length - 1, from + pieces.longestPiece);
  for (let to = last; to > from; to -= 1) {
    const piece = prefix + word.slice(start, boundaries[to]);
    if (pieces.has(piece)) return { piece, to };
  }
  return null;
};

/** Pieces of one word; the unknown token alone where any part of it cannot be expressed. */
const piecesOf = (word: string, pieces: WordPieces): readonly string[] => {
  if (word.length > 2 * pieces.longestWord) return [pieces.unknown];
  const boundaries = boundariesOf(word);
  const characters = boundaries.length - 1;
  if (characters > pieces.longestWord) return [pieces.unknown];
  const found: string[] = [];
  for (let from = 0; from < characters; ) {
    const match = longestMatch(word, boundaries, from, pieces);
    if (match === null) return [pieces.unknown];
    found.push(match.piece);
    from = match.to;
  }
  return found;
};

/** Pieces of pre-tokenised words, in order. */
export const encodeWordPieces = (words: readonly string[], pieces: WordPieces): string[] =>
  words.flatMap((word) => piecesOf(word, pieces));
