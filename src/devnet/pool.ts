/**
 * The transaction pool: what waits for a block, bounded in count and bytes.
 *
 * Statuses follow `author_submitAndWatchExtrinsic`: future, ready, inBlock, finalized, invalid, dropped.
 */
import type { ApplyOutcome, Block } from './blockBuilder.ts';
import type { Refusal, Transaction } from './validity.ts';

export type TransactionStatus =
  | 'future'
  | 'ready'
  | 'invalid'
  | 'dropped'
  | { readonly inBlock: string }
  | { readonly finalized: string };
export type Watcher = (status: TransactionStatus) => void;

/** As in a Substrate node: 8192 transactions and 20 MiB wait; 1024 of them per account. */
const MAX_TRANSACTIONS = 8192;
const MAX_POOL_BYTES = 20 * 1024 * 1024;
const MAX_PER_ACCOUNT = 1024;

export type SubmitOutcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'alreadyImported' | 'tooLowPriority' | 'poolFull' };

type Entry = IncludedTransaction & {
  readonly watchers: Set<Watcher>;
  status: 'future' | 'ready';
};

export type IncludedTransaction = {
  readonly transaction: Transaction;
  readonly watchers: ReadonlySet<Watcher>;
};

export type Pool = {
  /** Checks and takes in a transaction; a watcher hears of every later status. */
  submit(transaction: Transaction, watcher?: Watcher): SubmitOutcome;
  /** Offers what waits to a block being built, each account's in the order of nonces; forgets and gives the used. */
  offer(apply: (transaction: Transaction) => ApplyOutcome): readonly IncludedTransaction[];
  /** Tells the watchers of included transactions. */
  included(transactions: readonly IncludedTransaction[], block: Block): void;
  finalized(block: Block): void;
  /** Encoded, in the order of arrival. */
  pending(): readonly Uint8Array[];
  /** Nonce that a new transaction of the account (hex) needs. */
  nextNonce(account: string, stored: number): number;
  unwatch(watcher: Watcher): void;
};

export type PoolOptions = {
  /** Validity on top of the head. */
  readonly check: (transaction: Transaction) => Refusal | undefined;
  /** Nonce in the head's state. */
  readonly nonceOf: (transaction: Transaction) => number;
};

/** A map's entry, made when it is missing. */
const entryOf = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
};

export const createPool = ({ check, nonceOf }: PoolOptions): Pool => {
  const entries = new Map<string, Entry>();
  /** account → nonce → entry */
  const accounts = new Map<string, Map<number, Entry>>();
  /** Watchers of included transactions, by block hash, until the block is final. */
  const awaitingFinality = new Map<string, Set<Watcher>>();
  let totalBytes = 0;

  const tell = (entry: Entry, status: TransactionStatus): void => {
    for (const watcher of entry.watchers) watcher(status);
  };
  const nextNonce = (account: string, stored: number): number => {
    const waiting = accounts.get(account);
    let nonce = stored;
    while (waiting?.has(nonce)) nonce += 1;
    return nonce;
  };
  const remove = (entry: Entry): void => {
    const { transaction } = entry;
    const waiting = accounts.get(transaction.account);
    entries.delete(transaction.hash);
    waiting?.delete(transaction.extrinsic.nonce);
    if (waiting?.size === 0) accounts.delete(transaction.account);
    totalBytes -= transaction.encoded.length;
  };
  /** Announces which of an account's transactions no longer wait for an earlier nonce. */
  const announce = (account: string, stored: number): void => {
    const limit = nextNonce(account, stored);
    for (const entry of accounts.get(account)?.values() ?? []) {
      const isReady = entry.transaction.extrinsic.nonce < limit;
      if (isReady && entry.status === 'future') {
        entry.status = 'ready';
        tell(entry, 'ready');
      }
    }
  };
  const admission = (transaction: Transaction): SubmitOutcome => {
    if (entries.has(transaction.hash)) return { kind: 'alreadyImported' };
    const refusal = check(transaction);
    if (refusal !== undefined) return { kind: 'refused', refusal };
    const waiting = accounts.get(transaction.account);
    // Priorities are flat on subtensor: nothing replaces a waiting transaction
    if (waiting?.has(transaction.extrinsic.nonce)) return { kind: 'tooLowPriority' };
    const isFull =
      entries.size >= MAX_TRANSACTIONS ||
      totalBytes + transaction.encoded.length > MAX_POOL_BYTES ||
      (waiting?.size ?? 0) >= MAX_PER_ACCOUNT;
    return isFull ? { kind: 'poolFull' } : { kind: 'accepted' };
  };

  const offerAccount = (
    account: string,
    apply: (transaction: Transaction) => ApplyOutcome,
    used: Entry[],
  ): 'full' | 'done' => {
    const waiting = [...(accounts.get(account) ?? [])].sort(([a], [b]) => a - b);
    for (const [, entry] of waiting) {
      const outcome = apply(entry.transaction);
      if (outcome.kind === 'full') return 'full';
      const isEarly =
        outcome.kind === 'invalid' && 'reason' in outcome.refusal && outcome.refusal.reason === 'Future';
      if (isEarly) continue;
      remove(entry);
      if (outcome.kind === 'applied') used.push(entry);
      else tell(entry, 'invalid');
    }
    return 'done';
  };

  return {
    nextNonce,
    submit: (transaction, watcher) => {
      const outcome = admission(transaction);
      if (outcome.kind !== 'accepted') return outcome;
      const entry: Entry = { transaction, watchers: new Set(watcher && [watcher]), status: 'future' };
      entries.set(transaction.hash, entry);
      entryOf(accounts, transaction.account, () => new Map()).set(transaction.extrinsic.nonce, entry);
      totalBytes += transaction.encoded.length;
      const stored = nonceOf(transaction);
      if (transaction.extrinsic.nonce >= nextNonce(transaction.account, stored)) tell(entry, 'future');
      announce(transaction.account, stored);
      return outcome;
    },
    offer: (apply) => {
      const used: Entry[] = [];
      const seen = new Set<string>();
      for (const { transaction } of [...entries.values()]) {
        if (seen.has(transaction.account)) continue;
        seen.add(transaction.account);
        if (offerAccount(transaction.account, apply, used) === 'full') break;
      }
      return used;
    },
    included: (transactions, block) => {
      for (const { transaction, watchers } of transactions) {
        announce(transaction.account, nonceOf(transaction));
        if (watchers.size === 0) continue;
        for (const watcher of watchers) watcher({ inBlock: block.hash });
        const waiting = entryOf(awaitingFinality, block.hash, () => new Set());
        for (const watcher of watchers) waiting.add(watcher);
      }
    },
    finalized: (block) => {
      for (const watcher of awaitingFinality.get(block.hash) ?? []) watcher({ finalized: block.hash });
      awaitingFinality.delete(block.hash);
    },
    pending: () => [...entries.values()].map(({ transaction }) => transaction.encoded),
    unwatch: (watcher) => {
      for (const { watchers } of entries.values()) watchers.delete(watcher);
      for (const watchers of awaitingFinality.values()) watchers.delete(watcher);
    },
  };
};
