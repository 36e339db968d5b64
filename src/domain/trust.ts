import * as Schema from 'effect/Schema';

import { Fraction, Hotkey } from './ids.ts';
import { type KindQuality, orderFreeSum } from './quality.ts';
import { TaskKindName } from './task.ts';

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));
const NonNegative = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0));

/** The part of the scoring policy that turns history into trust. */
export const trustPolicyFields = {
  /** Share of old samples that still counts after an epoch. 0.9: half after 6.6 epochs. */
  trustDecay: Fraction,
  /** Samples at which trust reaches half of the mean: one lucky answer is not a reputation. */
  trustPriorSamples: NonNegative,
  /** Scored epochs after which a hotkey that is no candidate any more is forgotten; 1 or more. */
  forgetEpochs: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 })),
};

export type TrustPolicy = {
  readonly trustDecay: number;
  readonly trustPriorSamples: number;
  readonly forgetEpochs: number;
};

/** Exponentially weighted history of one kind. */
const KindHistory = Schema.Struct({ mean: Fraction, samples: Schema.Finite.check(Schema.isGreaterThan(0)) });

const TrustEntry = Schema.Struct({
  /** Scored epochs in a row in which the hotkey was no candidate. */
  absentEpochs: Count,
  kinds: Schema.Record(TaskKindName, KindHistory).check(Schema.isMaxProperties(64)),
});
export type TrustEntry = typeof TrustEntry.Type;

/** Eight times the uids of a subnet (256), so that churn alone forgets nobody early. */
export const MAX_TRUST_ENTRIES = 2_048;

/**
 * History by hotkey, then by kind. Keyed by hotkey because a uid is given away when its neuron is pruned: the
 * newcomer starts without history.
 */
export const TrustLedger = Schema.Record(Hotkey, TrustEntry).check(Schema.isMaxProperties(MAX_TRUST_ENTRIES));
export type TrustLedger = typeof TrustLedger.Type;

export const emptyTrust: TrustLedger = {};

/** Fewer samples than this say nothing and are dropped. */
const MIN_SAMPLES = 0.001;

/** Whether a hotkey has been graded before; one without history is new. */
export const hasHistory = (ledger: TrustLedger, hotkey: string): boolean => entryOf(ledger, hotkey) !== null;

/**
 * Trust in [0, 1] of every hotkey of a population: `mean × samples / (samples + trustPriorSamples)`, averaged over
 * the kinds known for anyone in the population, so that all are measured with the same denominator. 0 for the new.
 */
export const trustOfPopulation = (given: {
  readonly ledger: TrustLedger;
  readonly hotkeys: readonly string[];
  readonly policy: TrustPolicy;
}): ReadonlyMap<string, number> => {
  const { ledger, hotkeys, policy } = given;
  const known = new Set(hotkeys.flatMap((hotkey) => Object.keys(entryOf(ledger, hotkey)?.kinds ?? {})));
  return new Map(
    hotkeys.map((hotkey) => {
      const terms = Object.values(entryOf(ledger, hotkey)?.kinds ?? {}).map(
        ({ mean, samples }) => mean * (samples / (samples + policy.trustPriorSamples)),
      );
      return [hotkey, terms.length === 0 ? 0 : orderFreeSum(terms) / known.size];
    }),
  );
};

/**
 * The ledger after one scored epoch.
 *
 * Old samples fade by `trustDecay`, for everyone alike, whether asked or not; only in an epoch in which nobody was
 * asked anything they stay, because that is an outage of the validator and ages nobody. The epoch's quality of a
 * kind then enters with as many samples as tasks were asked.
 *
 * @param given.work what the candidates did, by hotkey; only kinds that were asked
 * @param given.candidates hotkeys of the population; everybody else is absent
 */
export const updateTrust = (given: {
  readonly ledger: TrustLedger;
  readonly candidates: readonly string[];
  readonly work: ReadonlyMap<string, readonly KindQuality[]>;
  readonly policy: TrustPolicy;
}): TrustLedger => {
  const { ledger, work, policy } = given;
  const present = new Set(given.candidates);
  const decay = [...work.values()].some((kinds) => kinds.length > 0) ? policy.trustDecay : 1;
  const entries: [string, TrustEntry][] = [];
  for (const hotkey of new Set([...Object.keys(ledger), ...given.candidates])) {
    const before = entryOf(ledger, hotkey);
    const absentEpochs = present.has(hotkey) ? 0 : (before?.absentEpochs ?? 0) + 1;
    const kinds = mergeKinds(before, present.has(hotkey) ? (work.get(hotkey) ?? []) : [], decay);
    if (absentEpochs >= policy.forgetEpochs || Object.keys(kinds).length === 0) continue;
    entries.push([hotkey, { absentEpochs, kinds }]);
  }
  return Object.fromEntries(entries.toSorted(byAbsence).slice(0, MAX_TRUST_ENTRIES).toSorted(byName));
};

const mergeKinds = (
  before: TrustEntry | null,
  work: readonly KindQuality[],
  decay: number,
): TrustEntry['kinds'] => {
  const merged = new Map(
    Object.entries(before?.kinds ?? {}).map(([kind, { mean, samples }]) => [
      kind,
      { mean, samples: samples * decay },
    ]),
  );
  for (const { kind, asked, quality } of work) {
    const old = merged.get(kind) ?? { mean: 0, samples: 0 };
    const samples = old.samples + asked;
    merged.set(kind, { mean: (old.mean * old.samples + quality * asked) / samples, samples });
  }
  return Object.fromEntries([...merged].filter(([, { samples }]) => samples >= MIN_SAMPLES).toSorted(byName));
};

/** `constructor` and its like are no entries. */
const entryOf = (ledger: TrustLedger, hotkey: string): TrustEntry | null =>
  Object.hasOwn(ledger, hotkey) ? (ledger[hotkey] ?? null) : null;

const byName = (a: readonly [string, unknown], b: readonly [string, unknown]): number =>
  a[0] < b[0] ? -1 : 1;

/** Present ones first, the longest absent last. */
const byAbsence = (a: readonly [string, TrustEntry], b: readonly [string, TrustEntry]): number =>
  a[1].absentEpochs - b[1].absentEpochs || byName(a, b);
