/**
 * The transaction pool: what waits for a block, bounded in count and bytes.
 *
 * Statuses follow `author_submitAndWatchExtrinsic`: future, ready, inBlock, retracted, finalized, invalid, dropped.
 */
import type { ApplyOutcome, Block } from './blockBuilder.ts';
import type { Refusal, Transaction } from './validity.ts';

export type TransactionStatus =
  | 'future'
  | 'ready'
  | 'invalid'
  | 'dropped'
  | { readonly inBlock: string }
  | { readonly retracted: string }
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

/** A transaction with those who watch it, waiting or in a block. */
export type PoolEntry = {
  readonly transaction: Transaction;
  readonly watchers: Set<Watcher>;
  status: 'future' | 'ready';
};

/** Of a block that is no longer part of the best chain. */
export type RetractedTransactions = 'return' | 'drop';

export type Pool = {
  /** Checks and takes in a transaction; a watcher hears of every later status. */
  submit(transaction: Transaction, watcher?: Watcher): SubmitOutcome;
  /** Offers what waits to a block being built, each account's in the order of nonces; forgets and gives the used. */
  offer(apply: (transaction: Transaction) => ApplyOutcome): readonly PoolEntry[];
  /** Tells the watchers of included transactions, and keeps them until the block is final or retracted. */
  included(entries: readonly PoolEntry[], block: Block): void;
  /** Takes back what a block held, to wait again or to be lost; the state is that before the block. */
  retracted(block: Block, fate: RetractedTransactions): void;
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
  const entries = new Map<string, PoolEntry>();
  /** account → nonce → entry */
  const accounts = new Map<string, Map<number, PoolEntry>>();
  /** Included transactions by block hash, until the block is final. */
  const unfinalized = new Map<string, readonly PoolEntry[]>();
  let totalBytes = 0;

  const tell = (entry: PoolEntry, status: TransactionStatus): void => {
    for (const watcher of entry.watchers) watcher(status);
  };
  const nextNonce = (account: string, stored: number): number => {
    const waiting = accounts.get(account);
    let nonce = stored;
    while (waiting?.has(nonce)) nonce += 1;
    return nonce;
  };
  const remove = (entry: PoolEntry): void => {
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

  const insert = (entry: PoolEntry): void => {
    const { transaction } = entry;
    entries.set(transaction.hash, entry);
    entryOf(accounts, transaction.account, () => new Map()).set(transaction.extrinsic.nonce, entry);
    totalBytes += transaction.encoded.length;
    const stored = nonceOf(transaction);
    if (transaction.extrinsic.nonce >= nextNonce(transaction.account, stored)) tell(entry, 'future');
    announce(transaction.account, stored);
  };
  /** Another transaction with the same nonce may have come meanwhile. */
  const takeBack = (entry: PoolEntry): void => {
    entry.status = 'future';
    const outcome = admission(entry.transaction);
    if (outcome.kind === 'accepted') insert(entry);
    else tell(entry, outcome.kind === 'refused' ? 'invalid' : 'dropped');
  };

  const offerAccount = (
    account: string,
    apply: (transaction: Transaction) => ApplyOutcome,
    used: PoolEntry[],
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
      insert({ transaction, watchers: new Set(watcher && [watcher]), status: 'future' });
      return outcome;
    },
    offer: (apply) => {
      const used: PoolEntry[] = [];
      const seen = new Set<string>();
      for (const { transaction } of [...entries.values()]) {
        if (seen.has(transaction.account)) continue;
        seen.add(transaction.account);
        if (offerAccount(transaction.account, apply, used) === 'full') break;
      }
      return used;
    },
    included: (used, block) => {
      if (used.length > 0) unfinalized.set(block.hash, used);
      for (const entry of used) {
        announce(entry.transaction.account, nonceOf(entry.transaction));
        tell(entry, { inBlock: block.hash });
      }
    },
    retracted: (block, fate) => {
      for (const entry of unfinalized.get(block.hash) ?? []) {
        tell(entry, { retracted: block.hash });
        if (fate === 'drop') tell(entry, 'dropped');
        else takeBack(entry);
      }
      unfinalized.delete(block.hash);
    },
    finalized: (block) => {
      for (const entry of unfinalized.get(block.hash) ?? []) tell(entry, { finalized: block.hash });
      unfinalized.delete(block.hash);
    },
    pending: () => [...entries.values()].map(({ transaction }) => transaction.encoded),
    unwatch: (watcher) => {
      for (const { watchers } of entries.values()) watchers.delete(watcher);
      for (const used of unfinalized.values()) for (const { watchers } of used) watchers.delete(watcher);
    },
  };
};
