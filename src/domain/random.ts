/**
 * A stream of pseudo-random numbers that is a pure function of its seed.
 *
 * Not for keys, salts or nonces. Where the outcome must stay secret (the tasks of a round) the secrecy is that of
 * the seed, and every task takes its own fork, so that one task never reveals the stream of another.
 */
export type Random = {
  /** A number in [0, 1) with 32 random bits. */
  readonly next: () => number;
  /** An integer in [0, n), without modulo bias; n is an integer in 1..2^32. */
  readonly int: (n: number) => number;
  /** One element of a non-empty array. */
  readonly pick: <A>(array: readonly A[]) => A;
  /** A new array with the same elements in random order (Fisher-Yates). */
  readonly shuffle: <A>(array: readonly A[]) => A[];
  /** An independent stream named by `label`; it does not depend on how much of this one was used. */
  readonly fork: (label: string) => Random;
};

const U32 = 4_294_967_296;

/**
 * Starts a stream from a seed: the string is hashed to 128 bits (cyrb128, MurmurHash3's mixing), which become the
 * state of sfc32 (Chris Doty-Humphrey, PractRand). Only 32-bit integer operations, so every platform agrees.
 */
export const createRandom = (seed: string): Random => {
  const nextU32 = sfc32(hash128(seed));
  const int = (n: number): number => {
    if (!Number.isInteger(n) || n < 1 || n > U32) {
      throw new RangeError(`random.int needs an integer in 1..2^32, got ${n}`);
    }
    // Numbers above the largest multiple of n would favour small remainders: draw again.
    const limit = U32 - (U32 % n);
    let value = nextU32();
    while (value >= limit) value = nextU32();
    return value % n;
  };
  return {
    next: () => nextU32() / U32,
    int,
    pick: (array) => {
      if (array.length === 0) throw new RangeError('random.pick needs a non-empty array');
      // In range by construction; the assertion only undoes noUncheckedIndexedAccess for a generic element.
      return array[int(array.length)] as (typeof array)[number];
    },
    shuffle: (array) => shuffled(array, int),
    // The length keeps ('a', 'bc') and ('ab', 'c') apart.
    fork: (label) => createRandom(`${seed.length}:${seed}/${label}`),
  };
};

const shuffled = <A>(array: readonly A[], int: (n: number) => number): A[] => {
  const copy = [...array];
  for (let last = copy.length - 1; last > 0; last -= 1) {
    const other = int(last + 1);
    const kept = copy[last] as A;
    copy[last] = copy[other] as A;
    copy[other] = kept;
  }
  return copy;
};

type State128 = readonly [number, number, number, number];

const hash128 = (text: string): State128 => {
  let a = 1_779_033_703;
  let b = 3_144_134_277;
  let c = 1_013_904_242;
  let d = 2_773_480_762;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    a = b ^ Math.imul(a ^ unit, 597_399_067);
    b = c ^ Math.imul(b ^ unit, 2_869_860_233);
    c = d ^ Math.imul(c ^ unit, 951_274_213);
    d = a ^ Math.imul(d ^ unit, 2_716_044_179);
  }
  a = Math.imul(c ^ (a >>> 18), 597_399_067);
  b = Math.imul(d ^ (b >>> 22), 2_869_860_233);
  c = Math.imul(a ^ (c >>> 17), 951_274_213);
  d = Math.imul(b ^ (d >>> 19), 2_716_044_179);
  a ^= b ^ c ^ d;
  return [a >>> 0, (b ^ a) >>> 0, (c ^ a) >>> 0, (d ^ a) >>> 0];
};

const sfc32 = (state: State128): (() => number) => {
  let [a, b, c, counter] = state;
  const step = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  // The reference implementation discards the first outputs, while the seed's bits spread over the state.
  for (let round = 0; round < 15; round += 1) step();
  return step;
};
