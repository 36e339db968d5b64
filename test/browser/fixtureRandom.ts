/** Numbers in [0, 1) that are the same in each run (mulberry32). */
export const seeded = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** Looks like an SS58 address; belongs to nobody. */
export const hotkeyOf = (uid: number): string => {
  const random = seeded(uid + 1);
  const letters = Array.from({ length: 46 }, () => alphabet[Math.floor(random() * alphabet.length)]);
  return `5${'CDEFGH'[uid % 6]}${letters.join('')}`;
};
