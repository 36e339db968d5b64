import type { Random } from './random.ts';

/** A miner that may be asked. */
export type CohortCandidate = {
  readonly uid: number;
  readonly hotkey: string;
  /** In [0, 1], over the population of candidates. */
  readonly trust: number;
  /** Stake weight in alpha (not rao). */
  readonly stake: number;
  /** Tasks asked since the epoch began. */
  readonly asked: number;
  /** No history yet; see `hasHistory`. */
  readonly isNew: boolean;
};

/** Share of the seats that goes to those asked least, whoever they are. */
export const FLOOR_SHARE = 0.5;

/** Draw weight of a miner without trust and stake, relative to one with all of both (1). */
const PRIORITY_FLOOR = 0.1;

/**
 * Chooses who is asked in a round.
 *
 * Half of the seats (`FLOOR_SHARE`, rounded up) go to the candidates asked least in this epoch, new ones first among
 * equals: every eligible miner is asked at least once in ceil(n / floor seats) rounds, whatever its trust and stake.
 * The rest are drawn without replacement with weights that grow with trust and stake in equal parts.
 *
 * Depends on the candidates as a set, not on their order, and on nothing random but `random`.
 *
 * @param given.size seats, at least 1; a smaller number or NaN counts as 1, so that someone is always served
 * @returns min(size, n) distinct candidates, highest priority first: the order in which to ask
 */
export const sampleCohort = <C extends CohortCandidate>(given: {
  readonly candidates: readonly C[];
  readonly size: number;
  readonly random: Random;
}): C[] => {
  const { candidates, random } = given;
  const size = given.size >= 1 ? Math.floor(given.size) : 1;
  const seats = Math.min(size, candidates.length);
  const priorities = prioritiesOf(candidates);
  const priorityOf = (candidate: C): number => priorities.get(candidate.hotkey) ?? PRIORITY_FLOOR;
  // The sort is stable, so the shuffle decides among equals.
  const waiting = random
    .shuffle(candidates.toSorted((a, b) => (a.hotkey < b.hotkey ? -1 : 1)))
    .toSorted((a, b) => a.asked - b.asked || Number(b.isNew) - Number(a.isNew));
  const floorSeats = Math.ceil(seats * FLOOR_SHARE);
  const drawn = drawWeighted({
    pool: waiting.slice(floorSeats),
    count: seats - floorSeats,
    weightOf: priorityOf,
    random,
  });
  return [...waiting.slice(0, floorSeats), ...drawn].toSorted((a, b) => priorityOf(b) - priorityOf(a));
};

const prioritiesOf = (candidates: readonly CohortCandidate[]): ReadonlyMap<string, number> => {
  const maxStake = candidates.reduce((max, { stake }) => Math.max(max, stake), 0);
  return new Map(
    candidates.map(({ hotkey, trust, stake }) => {
      const standing = (trust + (maxStake > 0 ? stake / maxStake : 0)) / 2;
      return [hotkey, PRIORITY_FLOOR + (1 - PRIORITY_FLOOR) * standing];
    }),
  );
};

/** Draws one after another by roulette; quadratic, and a subnet has 256 uids. */
const drawWeighted = <C>(given: {
  readonly pool: readonly C[];
  readonly count: number;
  readonly weightOf: (candidate: C) => number;
  readonly random: Random;
}): C[] => {
  const pool = [...given.pool];
  const drawn: C[] = [];
  while (drawn.length < given.count && pool.length > 0) {
    const total = pool.reduce((sum, candidate) => sum + given.weightOf(candidate), 0);
    let ticket = given.random.next() * total;
    const hit = pool.findIndex((candidate) => {
      ticket -= given.weightOf(candidate);
      return ticket < 0;
    });
    // Rounding can leave the ticket at 0 behind the last one.
    drawn.push(...pool.splice(hit === -1 ? pool.length - 1 : hit, 1));
  }
  return drawn;
};

/**
 * `r<epoch>-<block>-<nonce>`. The nonce keeps two rounds in one block apart, also across a restart that does not
 * know how many there were.
 *
 * @param given.nonce 8 lower-case hex digits, random
 */
export const roundId = (given: {
  readonly epoch: number;
  readonly block: number;
  readonly nonce: string;
}): string => `r${given.epoch}-${given.block}-${given.nonce}`;

/** `<roundId>-<index>`, index from 0: says nothing about the kind or the truth. */
export const taskId = (ofRound: string, index: number): string => `${ofRound}-${index}`;
