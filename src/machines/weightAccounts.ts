import type { EpochIndex } from '../domain/ids.ts';

/** For which epochs weights stand on chain, and for which they were missed. */
export type Accounts = {
  /** First epoch this validator answers for; null before it has seen one. */
  readonly sinceEpoch: EpochIndex | null;
  readonly confirmedEpoch: EpochIndex | null;
  readonly missedEpoch: EpochIndex | null;
  /** Last epoch reported as overdue: past its end, unconfirmed, and the chain cannot be read. */
  readonly overdueEpoch: EpochIndex | null;
  /** Epochs in a row without confirmed weights: the alarm that operators page on. */
  readonly behind: number;
};

export const noAccounts: Accounts = {
  sinceEpoch: null,
  confirmedEpoch: null,
  missedEpoch: null,
  overdueEpoch: null,
  behind: 0,
};

/** The last epoch of which the end is known, one way or the other; null before there is any. */
const lastAccounted = ({ sinceEpoch, confirmedEpoch, missedEpoch }: Accounts): EpochIndex | null => {
  const known = [sinceEpoch === null ? null : sinceEpoch - 1, confirmedEpoch, missedEpoch].filter(
    (epoch) => epoch !== null,
  );
  return known.length === 0 ? null : Math.max(...known);
};

export const isUnaccounted = (accounts: Accounts, epoch: EpochIndex): boolean => {
  const last = lastAccounted(accounts);
  return last === null || epoch > last;
};

/**
 * The accounts when everything up to `epoch` is over and unconfirmed. Epochs that went by unseen, while the process was
 * down or the chain away, count one by one.
 */
export const missedThrough = (
  accounts: Accounts,
  epoch: EpochIndex,
): Pick<Accounts, 'missedEpoch' | 'behind'> => {
  const last = lastAccounted(accounts);
  const missed = last === null ? 1 : Math.max(0, epoch - last);
  return {
    missedEpoch: Math.max(epoch, accounts.missedEpoch ?? 0),
    behind: accounts.behind + missed,
  };
};
