import * as Context from 'effect/Context';
import * as Layer from 'effect/Layer';

import type { Hotkey } from '../domain/ids.ts';
import type { InferenceFailure } from '../domain/inferenceFailure.ts';
import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import type { TaskDefinition } from '../domain/tasks/definition.ts';
import { decodeRequest, isTaskKind, type TaskKind, taskKindNames, taskKinds } from '../domain/tasks/kinds.ts';
import type { OnRun } from '../inference/dispatch.ts';
import type { InferencePool } from '../inference/pool.ts';
import type { Refusal } from '../transport/protocol.ts';
import type { GateState } from './workGate.actor.ts';

export type RefusalReason = (typeof Refusal.Type)['reason'];

type Task = {
  readonly kind: string;
  readonly request: unknown;
  /** Monotonic milliseconds (`performance.now()`) after which nobody reads the answer. */
  readonly deadlineAt: number;
  /** Told when its text waited and ran. */
  readonly onRun?: OnRun;
};
type Answered = Outcome<Record<string, unknown>, RefusalReason>;

/** One validator's place at the desk. Several links of one hotkey share what it may have open. */
export type Seat = {
  /** Tasks this validator may have open now: its part of the queue. */
  readonly share: () => number;
  /** Answers one task of a kind, or says why not: `busy` beyond the share. */
  readonly answer: (task: Task) => Promise<Answered>;
  readonly leave: () => void;
};

export type TaskDesk = {
  /** Kinds for which a model is loaded. */
  readonly kinds: () => readonly TaskKind[];
  readonly models: () => readonly { readonly name: string; readonly sha256: string }[];
  /** Takes a place for a link of a proven hotkey; `onShare` hears of each change of its share. */
  readonly join: (hotkey: Hotkey, onShare: (share: number) => void) => Seat;
};

/** The pool of this process, while it is open. */
export type PoolHolder = {
  pool: InferencePool | null;
  /** Told how long each text took from its task to its distribution, in seconds. */
  onClassified?: (seconds: number) => void;
};
export class CurrentPool extends Context.Service<CurrentPool, PoolHolder>()('actors/CurrentPool') {
  static readonly layer = Layer.sync(CurrentPool, () => ({ pool: null }));
}

type AnyDefinition = TaskDefinition<string, { readonly text: string }, Record<string, unknown>, unknown>;

const sentimentLabels = new Set(['positive', 'negative', 'neutral']);

/** Exports of two-class sentiment models often have no names: 1 is positive, as `sentimentAnalysis.ts` reads them. */
const isUnnamedPair = (labels: readonly string[]): boolean =>
  labels.length === 2 && ['label_0', 'label_1'].every((name) => labels.some((l) => l.toLowerCase() === name));

/** What a text classifier is for, told by its labels: exports of the hub name sentiment classes by these words. */
export const kindOfLabels = (labels: readonly string[]): TaskKind =>
  isUnnamedPair(labels) || labels.every((label) => sentimentLabels.has(label.toLowerCase()))
    ? 'sentiment_analysis'
    : 'text_classification';

/** Whether a model can tell anything about what is asked: one that knows no allowed class could only guess. */
const knowsWhatIsAsked = (labels: readonly string[], request: object): boolean =>
  !('allowed_classes' in request) ||
  !Array.isArray(request.allowed_classes) ||
  request.allowed_classes.some((allowed) => labels.includes(allowed));

/** A validator may always have this many tasks open, however many others there are. */
const leastShare = 16;

/** Equal parts of the queue for all validators that are here. */
const shareOf = (queueLimit: number, validators: number): number =>
  Math.min(queueLimit, Math.max(leastShare, Math.floor(queueLimit / Math.max(1, validators))));

const refusalOf = (failure: InferenceFailure): RefusalReason => {
  switch (failure._tag) {
    case 'Busy':
      return 'busy';
    case 'Expired':
      return 'expired';
    case 'NoSuchModel':
      return 'unsupported';
    default:
      return 'failed';
  }
};

type Desk = Pick<TaskDesk, 'kinds' | 'models'> & {
  readonly answer: (client: Hotkey, task: Task) => Promise<Answered>;
};

/** Routes tasks to the loaded model of their kind. With several models of one kind the first one listed serves. */
const createRouter = (holder: PoolHolder): Desk => {
  const models = () => holder.pool?.models ?? [];
  const modelOf = (kind: TaskKind) => models().find(({ labels }) => kindOfLabels(labels) === kind);
  return {
    kinds: () => taskKindNames.filter((kind) => modelOf(kind) !== undefined),
    models: () => models().map(({ name, sha256 }) => ({ name, sha256 })),
    answer: async (client, { kind, request, deadlineAt, ...watching }) => {
      if (!isTaskKind(kind)) return fail('unsupported');
      const model = modelOf(kind);
      if (holder.pool === null || model === undefined) return fail('unsupported');
      const decoded = decodeRequest(kind, request);
      if (!decoded.ok) return fail('invalid');
      if (!knowsWhatIsAsked(model.labels, decoded.value)) return fail('unsupported');
      const { text } = decoded.value;
      const fromMs = performance.now();
      const result = await holder.pool.classify(model.name, { text, deadlineAt, client, ...watching });
      if (!result.ok) return fail(refusalOf(result.error));
      holder.onClassified?.((performance.now() - fromMs) / 1e3);
      // The request was decoded by the schema of this very kind, which the compiler cannot see.
      const definition = taskKinds[kind] as unknown as AnyDefinition;
      return succeed(definition.answerFrom({ request: decoded.value, distribution: result.value }));
    },
  };
};

/** What one hotkey has here: its links, and the tasks that are open for any of them. */
type Account = { links: number; open: number };

/**
 * The desk of one miner. Every validator with a link has an equal share of the queue, so that none can fill it alone;
 * tasks of a link that has ended count against its hotkey until they are done. While the gate is closed, every new task
 * is refused as busy.
 */
export const createTaskDesk = (holder: PoolHolder, gate: GateState = { reasons: [] }): TaskDesk => {
  const { kinds, models, answer } = createRouter(holder);
  const accounts = new Map<Hotkey, Account>();
  const listeners = new Set<(share: number) => void>();
  const live = (): number => [...accounts.values()].filter(({ links }) => links > 0).length;
  const share = (): number => shareOf(holder.pool?.queueLimit ?? leastShare, live());
  const changing = (change: () => void): void => {
    const before = share();
    change();
    const after = share();
    if (after !== before) for (const listener of [...listeners]) listener(after);
  };
  const settle = (hotkey: Hotkey, account: Account): void => {
    if (account.links === 0 && account.open === 0) accounts.delete(hotkey);
  };
  const answerFor = async (hotkey: Hotkey, account: Account, task: Task): Promise<Answered> => {
    if (gate.reasons.length > 0 || account.open >= share()) return fail('busy');
    account.open += 1;
    try {
      return await answer(hotkey, task);
    } finally {
      account.open -= 1;
      settle(hotkey, account);
    }
  };
  const join: TaskDesk['join'] = (hotkey, onShare) => {
    const account = accounts.get(hotkey) ?? { links: 0, open: 0 };
    changing(() => {
      accounts.set(hotkey, account);
      account.links += 1;
    });
    listeners.add(onShare);
    return {
      share,
      answer: (task) => answerFor(hotkey, account, task),
      leave: () => {
        listeners.delete(onShare);
        changing(() => {
          account.links -= 1;
          settle(hotkey, account);
        });
      },
    };
  };
  return { kinds, models, join };
};
