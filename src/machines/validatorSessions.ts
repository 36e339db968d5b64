import type { Hotkey } from '../domain/ids.ts';
import type { SubnetSnapshot } from '../domain/metagraph.ts';
import { fail, type Outcome, succeed } from '../domain/outcome.ts';

/** Whom a miner works for. */
export type AdmissionRules = {
  /** Only validators with a permit are served; off serves every registered neuron. */
  readonly requirePermit: boolean;
  /** Stake weight in alpha below which a validator is not served. */
  readonly minValidatorStake: number;
};

/** Live sessions by arrival id; null until the validator has proven its hotkey. */
export type SessionTable = Readonly<Record<string, Hotkey | null>>;

export type Dismissal = { readonly arrival: string; readonly reason: string };

/**
 * Whether a hotkey may ask this miner to work, by the newest metagraph. Looked up before any signature is checked, with
 * each batch of tasks, and for all live sessions at each metagraph.
 */
export const mayAsk = (
  subnet: SubnetSnapshot | null,
  hotkey: Hotkey,
  rules: AdmissionRules,
): Outcome<void, string> => {
  const neuron = subnet?.neurons.find((candidate) => candidate.hotkey === hotkey);
  if (neuron === undefined) return fail('not registered on this subnet');
  if (rules.requirePermit && !neuron.validatorPermit) return fail('no validator permit');
  if (neuron.stake < rules.minValidatorStake) return fail('stake below the minimum of this miner');
  return succeed(undefined);
};

/** Sessions of hotkeys that may not ask any more; those that have not proven one yet are judged when they do. */
export const revoked = (
  sessions: SessionTable,
  subnet: SubnetSnapshot,
  rules: AdmissionRules,
): readonly Dismissal[] =>
  Object.entries(sessions).flatMap(([arrival, hotkey]) => {
    if (hotkey === null) return [];
    const allowed = mayAsk(subnet, hotkey, rules);
    return allowed.ok ? [] : [{ arrival, reason: allowed.error }];
  });

/** Older sessions of a hotkey that has just proven itself: a validator has one link, and the newest is the live one. */
export const replaced = (
  sessions: SessionTable,
  newcomer: { readonly arrival: string; readonly hotkey: Hotkey },
): readonly Dismissal[] =>
  Object.entries(sessions).flatMap(([arrival, hotkey]) =>
    hotkey === newcomer.hotkey && arrival !== newcomer.arrival
      ? [{ arrival, reason: 'replaced by a newer link of the same hotkey' }]
      : [],
  );

export const withoutSession = (sessions: SessionTable, gone: string): SessionTable =>
  Object.fromEntries(Object.entries(sessions).filter(([arrival]) => arrival !== gone));
