import type { SessionDetail, SessionRow } from '#src/domain/view/validatorView.ts';
import { hotkeyOf, seeded } from '#test/browser/fixtureRandom.ts';

export const guessingUid = 137;
const validatorUids = 16;

const stateOf = (share: number): SessionRow['state'] => {
  if (share < 0.34) return 'busy';
  if (share < 0.83) return 'ready';
  if (share < 0.86) return 'dialing';
  if (share < 0.92) return 'cooling';
  if (share < 0.94) return 'closed';
  return 'none';
};

const machineStates: Readonly<Record<SessionRow['state'], string>> = {
  none: 'none',
  dialing: 'linked.dialing',
  ready: 'linked.ready',
  busy: 'linked.busy',
  cooling: 'cooling',
  closed: 'gone',
};

const failureOf = (state: SessionRow['state']): string | null => {
  if (state === 'cooling') return 'connection refused';
  return state === 'closed' ? 'handshake: the hotkey is not registered any more' : null;
};

const recentOf = (uid: number, state: SessionRow['state']): SessionRow['recent'] => {
  const random = seeded(uid + 1_000);
  if (state === 'none') {
    return {
      judged: 0,
      invalid: 0,
      refused: 0,
      missed: 0,
      late: 0,
      unreachable: 0,
      accuracy: null,
      chance: null,
      medianMs: null,
    };
  }
  const isGuessing = uid === guessingUid;
  const isLost = state === 'cooling' || state === 'closed';
  return {
    judged: isLost ? Math.floor(random() * 60) : 440 + Math.floor(random() * 60),
    invalid: random() < 0.1 ? 2 : 0,
    refused: random() < 0.1 ? 5 : 0,
    missed: Math.floor(random() * 8),
    late: Math.floor(random() * 5),
    unreachable: isLost ? 200 + Math.floor(random() * 200) : 0,
    accuracy: isGuessing ? 0.163 : 0.72 + random() * 0.24,
    chance: 0.161,
    medianMs: isGuessing ? 9 : 120 + random() * 900,
  };
};

/** One miner of the network, the same in each run but for `state`. */
export const sessionOf = (uid: number, state?: SessionRow['state']): SessionRow => {
  const random = seeded(uid);
  const found = uid === guessingUid ? 'ready' : (state ?? stateOf(random()));
  return {
    uid,
    hotkey: hotkeyOf(uid),
    axon: found === 'none' ? null : `10.4.${uid >> 4}.${(uid % 16) + 10}:8091`,
    state: found,
    machineState: machineStates[found],
    sessionId: found === 'none' ? null : `x:${uid + 20}`,
    attempt: found === 'cooling' ? 3 : 0,
    kinds: found === 'none' ? [] : ['textClassification', 'sentimentAnalysis'],
    lastFailure: failureOf(found),
    rttMs: found === 'ready' || found === 'busy' ? 8 + random() * 160 : null,
    recent: recentOf(uid, found),
    isGuessing: uid === guessingUid,
    incentive: uid === guessingUid ? 0.00002 : random() * 0.008,
    stake: random() * 4_000,
  };
};

/** All miners of a full subnet; validators take the lowest uids. */
export const fullNetwork = (): Record<string, SessionRow> =>
  Object.fromEntries(
    Array.from({ length: 256 - validatorUids }, (_, index) => {
      const row = sessionOf(index + validatorUids);
      return [String(row.uid), row] as const;
    }),
  );

const outcomeOf = (share: number): string => {
  if (share < 0.93) return 'judged';
  return share < 0.97 ? 'missed' : 'late';
};

/** What the daemon tells of one miner when asked. */
export const detailOf = (row: SessionRow, now: number): SessionDetail => {
  const random = seeded(row.uid + 5_000);
  const level = row.recent.accuracy ?? 0;
  const states = ['linked.ready', 'linked.busy', 'linked.dialing', 'cooling'];
  return {
    row,
    answers: Array.from({ length: row.recent.judged === 0 ? 0 : 120 }, (_, index) => {
      const outcome = outcomeOf(random());
      const isRight = random() < level;
      return {
        at: now - index * 4_300,
        roundId: `r-4211-${40 - Math.floor(index / 8)}`,
        kind: index % 2 === 0 ? 'textClassification' : 'sentimentAnalysis',
        outcome,
        accuracy: outcome === 'judged' && isRight ? 1 : 0,
        responseMs: outcome === 'judged' ? (row.recent.medianMs ?? 0) * (0.6 + random() * 0.8) : null,
      };
    }),
    timeline: Array.from({ length: row.sessionId === null ? 0 : 40 }, (_, index) => ({
      at: now - index * 11_000,
      state: index === 39 ? 'linked.dialing' : (states[index % 2] ?? 'linked.ready'),
      by: index % 2 === 0 ? 'link.idle' : 'link.busy',
    })),
    scores: Array.from({ length: row.recent.judged === 0 ? 0 : 60 }, (_, index) => {
      const quality = Math.max(0, level * 0.8 + (random() - 0.5) * 0.08);
      const trust = Math.min(1, level * (0.4 + index / 100));
      return { epoch: 4_151 + index, score: 0.7 * quality + 0.1 * trust, quality, trust };
    }),
  };
};
