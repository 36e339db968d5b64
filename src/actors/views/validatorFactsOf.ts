import type { SnapshotFrom } from 'xstate';
import type {
  LifeFacts,
  MinerFacts,
  RoundFacts,
  ValidatorFacts,
} from '../../domain/view/validatorVerdict.ts';
import type { SessionRow, ValidatorRows } from '../../domain/view/validatorView.ts';
import type { WeightFacts } from '../../domain/view/weightReasons.ts';
import type { validatorMachine } from '../../machines/validator.machine.ts';
import { chainFactsOf, ownNeuron } from './chainSlice.ts';
import { dueBlockOf } from './epochSlice.ts';
import { childOf } from './liveTree.ts';
import type { RoundHistory } from './roundHistory.ts';
import { pathOf } from './stateText.ts';
import { upkeepFactsOf } from './upkeepFacts.ts';
import type { ValidatorNews } from './validatorNews.ts';

type Root = SnapshotFrom<typeof validatorMachine>;

/** Settling, and the pace of the store: what a round takes beyond its deadline. */
const settlingMs = 2_000;

const stageOf = (root: Root | null, lease: ValidatorNews['lease']): LifeFacts['stage'] => {
  if (root === null) return ['standingBy', 'blind'].includes(lease().lease) ? 'standingBy' : 'opening';
  if (root.status !== 'active') return 'ended';
  if (root.matches('booting')) return 'booting';
  return root.matches({ alive: 'draining' }) ? 'draining' : 'working';
};

const endingOf = (root: Root | null): string | null => {
  if (root === null) return null;
  if (root.status === 'error') return String(root.error);
  return root.context.reason === '' ? null : root.context.reason;
};

const roundFactsOf = (given: {
  readonly root: Root | null;
  readonly news: ValidatorNews;
  readonly rounds: RoundHistory;
  readonly nowMs: number;
}): RoundFacts => {
  const { root, news, rounds, nowMs } = given;
  const epoch = childOf(root, 'epoch');
  const path = pathOf(epoch?.value);
  const freeSince = news.freeSince();
  const isValidating = root?.matches({ alive: { running: 'validating' } }) ?? false;
  const idleMs =
    freeSince === null || !isValidating ? null : nowMs - Math.max(freeSince, rounds.lastEndAt() ?? 0);
  return {
    holds: path.includes('rounds.held') ? (epoch?.context.holds ?? []) : [],
    isRecovering: path.includes('rounds.recovering'),
    idleMs,
    expectedMs: (root?.context.roundDeadlineMs ?? 0) + (root?.context.roundIntervalMs ?? 0) + settlingMs,
    unbalanced: news.unbalanced(),
  };
};

const isGuesser = ({ isGuessing, state }: SessionRow): boolean => isGuessing && state !== 'none';

const minerFactsOf = (root: Root | null, sessions: ValidatorRows['sessions']): MinerFacts => {
  const entries = Object.values(root?.context.roster ?? {});
  const guessing = Object.values(sessions)
    .filter(isGuesser)
    .map(({ uid, recent }) => ({
      uid,
      judged: recent.judged,
      accuracy: recent.accuracy ?? 0,
      chance: recent.chance ?? 0,
    }));
  return {
    known: entries.length,
    unreachable: entries.filter(({ link }) => link === 'lost').length,
    guessing: guessing.toSorted((a, b) => b.judged - a.judged),
  };
};

const weightFactsOf = (root: Root | null, news: ValidatorNews): WeightFacts => {
  const epoch = childOf(root, 'epoch');
  const setting = childOf(root, 'weightSetting');
  const context = setting?.context ?? null;
  const refused = setting?.matches({ setting: 'backingOff' }) || setting?.matches({ setting: 'givenUp' });
  const failure = context?.lastFailure ?? null;
  return {
    block: root?.context.block ?? 0,
    epoch:
      epoch === null
        ? null
        : {
            index: epoch.context.epoch,
            beganAtBlock: epoch.context.lastEpochBlock,
            dueAtBlock: dueBlockOf(epoch, news.due()),
            endsAtBlock: epoch.context.endsAtBlock,
          },
    confirmedEpoch: context?.confirmedEpoch ?? null,
    startedAtBlock: news.startedAtBlock(),
    isExpected: isExpected(root),
    refusal:
      context !== null && refused === true && failure !== null && context.due !== null
        ? {
            epoch: context.due.epoch,
            message: failure.message,
            attempts: context.attempts,
            retryAtBlock: context.retryAtBlock,
          }
        : null,
    behind: root?.context.behind ?? 0,
    unrevealed: news.submissions.unrevealed(),
    foreignEpoch: news.submissions.foreignEpoch(),
  };
};

/** An epoch that had nothing to score has an empty vector, and nothing is set for it. */
const isExpected = (root: Root | null): boolean => {
  const vector = childOf(root, 'epoch')?.context.vector ?? null;
  return root?.context.uid != null && (vector === null || vector.uids.length > 0);
};

/** Everything that the verdict on a validator follows from, as it is now. */
export const validatorFactsOf = (given: {
  readonly root: Root | null;
  readonly news: ValidatorNews;
  readonly rounds: RoundHistory;
  readonly sessions: ValidatorRows['sessions'];
  readonly nowMs: number;
}): ValidatorFacts => {
  const { root, news, nowMs } = given;
  const place = root?.context ?? { subnet: null, hotkey: '' };
  const own = ownNeuron(place);
  return {
    life: { stage: stageOf(root, news.lease), ending: endingOf(root), ...news.lease() },
    chain: chainFactsOf({ link: childOf(root, 'chainLink'), place, news: news.chain, nowMs }),
    membership:
      place.subnet === null ? null : { isRegistered: own !== null, hasPermit: own?.validatorPermit ?? false },
    rounds: roundFactsOf(given),
    miners: minerFactsOf(root, given.sessions),
    weights: weightFactsOf(root, news),
    upkeep: upkeepFactsOf(root),
  };
};
