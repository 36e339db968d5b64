import * as Context from 'effect/Context';
import * as Layer from 'effect/Layer';

import type { Hotkey } from '../domain/ids.ts';
import { fail, type Outcome } from '../domain/outcome.ts';
import { encodeMessage } from '../transport/codec.ts';
import { defaultLinkLimits } from '../transport/limits.ts';
import { type Message, PROTOCOL_VERSION } from '../transport/protocol.ts';
import type { EncodedMessage } from '../transport/taskSheet.ts';
import type { RefusalReason } from './taskDesk.ts';

/** What may wait for acknowledgements. Beyond it the answers with the nearest deadlines are given up first. */
export type OutboxLimits = {
  /** Sent at once after a reconnect: well below the burst of messages that a link accepts (1,000). */
  readonly answersPerValidator: number;
  readonly bytesPerValidator: number;
  readonly answers: number;
  readonly bytes: number;
};

export const defaultOutboxLimits: OutboxLimits = {
  answersPerValidator: 256,
  bytesPerValidator: 8_388_608,
  answers: 16_384,
  bytes: 67_108_864,
};

/** A link could not take an answer: time before the next try. */
const retryMs = 250;

/** Hands a message to a link; false: it is full or over. */
export type SendOver = (message: Message | EncodedMessage) => boolean;

type Link = { readonly send: SendOver };

type Waiting = {
  readonly id: string;
  readonly hotkey: Hotkey;
  readonly message: EncodedMessage;
  deadlineAtMs: number;
  /** The link that took it last; null when none did. */
  sentOver: Link | null;
};

type UnderWay = { deadlineAtMs: number; readonly done: Promise<void> };

/** What becomes of a task, for whoever counts. Every task that is received is answered or refused in the end. */
export type OutboxNews = { readonly hotkey: Hotkey; readonly id: string } & (
  | { readonly type: 'received'; readonly kind: string }
  | { readonly type: 'answered'; readonly elapsedMs: number }
  | { readonly type: 'refused'; readonly reason: RefusalReason }
  /** Its validator has the answer on record. */
  | { readonly type: 'acknowledged' }
  /** Nobody took the answer: past its deadline, not wanted any more, or one too many. */
  | { readonly type: 'lost'; readonly reason: 'expired' | 'unwanted' | 'overflow' }
);
type Lost = Extract<OutboxNews, { type: 'lost' }>['reason'];
type Tell = (news: OutboxNews) => void;

type Account = {
  /** Newest link of the validator; null while there is none. */
  link: Link | null;
  readonly waiting: Map<string, Waiting>;
  readonly underWay: Map<string, UnderWay>;
  bytes: number;
  retry: NodeJS.Timeout | null;
};

type Worked = Outcome<Extract<Message, { type: 'answer' }>, RefusalReason>;

export type Task = {
  readonly id: string;
  /** For whoever counts. */
  readonly kind?: string;
  /** Monotonic milliseconds (`performance.now()`) after which nobody wants the answer. */
  readonly deadlineAtMs: number;
  /** Answers it; called again where the deadline was moved while it ran and it came too late for the first one. */
  readonly work: (
    deadlineAtMs: number,
  ) => Promise<Outcome<Extract<Message, { type: 'answer' }>, RefusalReason>>;
};

/**
 * Answers of this miner, from the moment a task comes until its validator has the answer on record. They belong to the
 * validator, not to a link: whatever link is its newest one carries them. Memory only; a miner that dies is asked again
 * by the validator.
 */
export type AnswerOutbox = {
  /** Makes a link the newest one of a validator; what waits is sent over it. Returns how to take it away. */
  readonly attach: (hotkey: Hotkey, send: SendOver) => () => void;
  /**
   * Takes a task. One that is under way is not begun twice, and one whose answer waits is answered from here, under the
   * later of both deadlines. Settles when nothing is under way for it any more.
   */
  readonly take: (hotkey: Hotkey, task: Task) => Promise<void>;
  /** Whether a task is under way, or its answer waits. */
  readonly has: (hotkey: Hotkey, id: string) => boolean;
  /** Acknowledged, or not wanted. */
  readonly drop: (hotkey: Hotkey, ids: readonly string[], cause?: 'ack' | 'unknown') => void;
  readonly counts: () => { readonly answers: number; readonly bytes: number; readonly validators: number };
  /** Hears what becomes of tasks, while it happens; answers nobody can take any more are told as lost at once. */
  readonly onNews: (listener: (news: OutboxNews) => void) => void;
  /** Gives up what is past its deadline. Happens by itself where something is sent; whoever counts may not wait. */
  readonly sweep: () => void;
};

const maxMessageBytes = defaultLinkLimits.maxFrameBytes;

const createAccount = (): Account => ({
  link: null,
  waiting: new Map(),
  underWay: new Map(),
  bytes: 0,
  retry: null,
});

/** The answer that is worth least: nearest to its deadline. */
const nearest = (entries: Iterable<readonly [Account, Waiting]>): readonly [Account, Waiting] | null => {
  let found: readonly [Account, Waiting] | null = null;
  for (const entry of entries) {
    if (found === null || entry[1].deadlineAtMs < found[1].deadlineAtMs) found = entry;
  }
  return found;
};

const waitingOf = function* (accounts: Iterable<Account>): Generator<readonly [Account, Waiting]> {
  for (const account of accounts) for (const entry of account.waiting.values()) yield [account, entry];
};

/** What waits, by validator, within the limits. */
const createShelf = (limits: OutboxLimits, now: () => number, tell: Tell) => {
  const accounts = new Map<Hotkey, Account>();
  const total = { answers: 0, bytes: 0 };

  const remove = (account: Account, entry: Waiting, end: 'acknowledged' | Lost): void => {
    if (!account.waiting.delete(entry.id)) return;
    const { hotkey, id } = entry;
    tell(end === 'acknowledged' ? { hotkey, id, type: end } : { hotkey, id, type: 'lost', reason: end });
    const size = entry.message.bytes.length;
    account.bytes -= size;
    total.bytes -= size;
    total.answers -= 1;
  };

  const isOver = (account: Account): boolean =>
    account.waiting.size > limits.answersPerValidator || account.bytes > limits.bytesPerValidator;

  const keep = (account: Account, entry: Waiting): void => {
    account.waiting.set(entry.id, entry);
    account.bytes += entry.message.bytes.length;
    total.bytes += entry.message.bytes.length;
    total.answers += 1;
    while (isOver(account) || total.answers > limits.answers || total.bytes > limits.bytes) {
      const least = nearest(waitingOf(isOver(account) ? [account] : accounts.values()));
      if (least === null) return;
      remove(...least, 'overflow');
    }
  };

  const dropExpired = (account: Account): void => {
    const atMs = now();
    for (const entry of [...account.waiting.values()]) {
      if (entry.deadlineAtMs <= atMs) remove(account, entry, 'expired');
    }
  };

  return {
    accounts,
    remove,
    keep,
    dropExpired,
    accountOf: (hotkey: Hotkey): Account => {
      const account = accounts.get(hotkey) ?? createAccount();
      accounts.set(hotkey, account);
      return account;
    },
    tidy: (hotkey: Hotkey, account: Account): void => {
      const isEmpty = account.link === null && account.waiting.size === 0 && account.underWay.size === 0;
      // A timer may outlive its account.
      if (isEmpty && accounts.get(hotkey) === account) accounts.delete(hotkey);
    },
    counts: () => ({ ...total, validators: accounts.size }),
  };
};

type Shelf = ReturnType<typeof createShelf>;

/** Sends what the newest link has not taken yet, and tries again a little later where it is full. */
const createSender = ({ dropExpired, tidy }: Shelf) => {
  const retryLater = (hotkey: Hotkey, account: Account): void => {
    if (account.retry !== null) return;
    account.retry = setTimeout(() => {
      account.retry = null;
      flush(hotkey, account);
    }, retryMs);
    account.retry.unref();
  };

  const flush = (hotkey: Hotkey, account: Account): void => {
    dropExpired(account);
    const { link } = account;
    if (link === null) {
      tidy(hotkey, account);
      return;
    }
    const unsent = [...account.waiting.values()].filter(({ sentOver }) => sentOver !== link);
    for (const entry of unsent) {
      if (!link.send(entry.message)) {
        retryLater(hotkey, account);
        return;
      }
      entry.sentOver = link;
    }
  };

  /** The one that was asked for again, at a cost that does not grow with what waits: tasks can come often. */
  const resend = (hotkey: Hotkey, account: Account, entry: Waiting): void => {
    const { link } = account;
    entry.sentOver = link?.send(entry.message) === true ? link : null;
    if (entry.sentOver === null && link !== null) retryLater(hotkey, account);
  };

  return { flush, resend, retryLater };
};

/** Works on a task until there is an answer or a refusal that holds: a deadline may move meanwhile. */
const workOff = async (entry: { readonly deadlineAtMs: number }, work: Task['work']): Promise<Worked> => {
  for (;;) {
    const { deadlineAtMs } = entry;
    const result = await work(deadlineAtMs);
    const isRenewed = entry.deadlineAtMs > deadlineAtMs;
    if (result.ok || result.error !== 'expired' || !isRenewed) return result;
  }
};

const createWorker = (given: {
  readonly shelf: Shelf;
  readonly retryLater: (hotkey: Hotkey, account: Account) => void;
  readonly now: () => number;
  readonly tell: Tell;
}) => {
  const { shelf, now, tell } = given;
  const refuse = (hotkey: Hotkey, account: Account, id: string, reason: RefusalReason): void => {
    tell({ hotkey, id, type: 'refused', reason });
    account.link?.send({ type: 'refusal', v: PROTOCOL_VERSION, id, reason });
  };

  const deliver = (hotkey: Hotkey, account: Account, answer: Waiting): void => {
    const { link } = account;
    const isSent = link?.send(answer.message) === true;
    // Past its deadline it was sent once, for the record of the validator.
    if (answer.deadlineAtMs <= now()) {
      tell({ hotkey, id: answer.id, type: 'lost', reason: 'expired' });
      return;
    }
    shelf.keep(account, { ...answer, sentOver: isSent ? link : null });
    if (!isSent && link !== null) given.retryLater(hotkey, account);
  };

  const finish = (hotkey: Hotkey, id: string, result: Worked): void => {
    const account = shelf.accountOf(hotkey);
    const deadlineAtMs = account.underWay.get(id)?.deadlineAtMs ?? 0;
    account.underWay.delete(id);
    const encoded = result.ok ? encodeMessage(result.value, maxMessageBytes) : null;
    if (encoded?.ok) {
      const message: EncodedMessage = { type: 'answer', bytes: encoded.value };
      tell({ hotkey, id, type: 'answered', elapsedMs: result.ok ? result.value.elapsedMs : 0 });
      deliver(hotkey, account, { id, hotkey, message, deadlineAtMs, sentOver: null });
    } else refuse(hotkey, account, id, result.ok ? 'failed' : result.error);
    shelf.tidy(hotkey, account);
  };

  return (hotkey: Hotkey, { id, kind, deadlineAtMs, work }: Task): Promise<void> => {
    const entry = { deadlineAtMs };
    tell({ hotkey, id, type: 'received', kind: kind ?? '' });
    const done = workOff(entry, work)
      .catch(() => fail<RefusalReason>('failed'))
      .then((result) => finish(hotkey, id, result));
    shelf.accountOf(hotkey).underWay.set(id, Object.assign(entry, { done }));
    return done;
  };
};

/** @param now monotonic milliseconds */
export const createAnswerOutbox = (
  limits: OutboxLimits = defaultOutboxLimits,
  now: () => number = () => performance.now(),
): AnswerOutbox => {
  const listeners = new Set<Tell>();
  const tell: Tell = (news) => {
    for (const listener of listeners) listener(news);
  };
  const shelf = createShelf(limits, now, tell);
  const { flush, resend, retryLater } = createSender(shelf);
  const begin = createWorker({ shelf, retryLater, now, tell });
  return {
    attach: (hotkey, send) => {
      const account = shelf.accountOf(hotkey);
      const link: Link = { send };
      account.link = link;
      flush(hotkey, account);
      return () => {
        if (account.link === link) account.link = null;
        shelf.tidy(hotkey, account);
      };
    },
    take: (hotkey, task) => {
      const account = shelf.accountOf(hotkey);
      const underWay = account.underWay.get(task.id);
      if (underWay !== undefined) {
        underWay.deadlineAtMs = Math.max(underWay.deadlineAtMs, task.deadlineAtMs);
        return underWay.done;
      }
      const waiting = account.waiting.get(task.id);
      if (waiting !== undefined && waiting.deadlineAtMs > now()) {
        waiting.deadlineAtMs = Math.max(waiting.deadlineAtMs, task.deadlineAtMs);
        resend(hotkey, account, waiting);
        return Promise.resolve();
      }
      shelf.dropExpired(account);
      return begin(hotkey, task);
    },
    has: (hotkey, id) => {
      const account = shelf.accounts.get(hotkey);
      return account !== undefined && (account.waiting.has(id) || account.underWay.has(id));
    },
    drop: (hotkey, ids, cause = 'ack') => {
      const account = shelf.accounts.get(hotkey);
      if (account === undefined) return;
      for (const id of ids) {
        const entry = account.waiting.get(id);
        if (entry !== undefined) shelf.remove(account, entry, cause === 'ack' ? 'acknowledged' : 'unwanted');
      }
      shelf.tidy(hotkey, account);
    },
    counts: shelf.counts,
    onNews: (listener) => void listeners.add(listener),
    sweep: () => {
      for (const [hotkey, account] of [...shelf.accounts]) {
        shelf.dropExpired(account);
        shelf.tidy(hotkey, account);
      }
    },
  };
};

/** The outbox of this process: it outlives every link. */
export class AnswerOutboxes extends Context.Service<AnswerOutboxes, AnswerOutbox>()('actors/AnswerOutboxes') {
  static readonly layer = Layer.sync(AnswerOutboxes, () => createAnswerOutbox());
}
