/** What is said of lost answers covers this long. */
const windowMs = 600_000;
/** Counts are kept for stretches of this length: they cost the same however many answers there are. */
const stretchMs = 10_000;
const stretches = windowMs / stretchMs;

type Counts = { answered: number; lost: number };

/** How many answers were given in the last ten minutes, and how many of those that waited were taken by nobody. */
export type LossWindow = {
  /** Times in Unix milliseconds. */
  readonly count: (what: keyof Counts, at: number) => void;
  /** The ten minutes before `nowMs`, give or take one stretch of ten seconds. */
  readonly counts: (nowMs: number) => Readonly<Counts>;
};

export const createLossWindow = (): LossWindow => {
  const byStretch = new Map<number, Counts>();
  const begin = (stretch: number): Counts => {
    // On both sides: a clock that was set back leaves behind what it said of times to come.
    for (const other of byStretch.keys()) {
      if (Math.abs(stretch - other) > stretches) byStretch.delete(other);
    }
    const counts = { answered: 0, lost: 0 };
    byStretch.set(stretch, counts);
    return counts;
  };
  return {
    count: (what, at) => {
      const stretch = Math.floor(at / stretchMs);
      const counts = byStretch.get(stretch) ?? begin(stretch);
      counts[what] += 1;
    },
    counts: (nowMs) => {
      const newest = Math.floor(nowMs / stretchMs);
      const sum = { answered: 0, lost: 0 };
      for (const [stretch, { answered, lost }] of byStretch) {
        if (stretch > newest || stretch < newest - stretches) continue;
        sum.answered += answered;
        sum.lost += lost;
      }
      return sum;
    },
  };
};
