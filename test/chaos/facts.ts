import type * as Schema from 'effect/Schema';

import type { SequencedRecord } from '#src/domain/derivation.ts';

import type { FaultKind } from './plan.ts';

/** One task as the witness was asked it, and what became of its answer. */
export type Witnessed = {
  readonly id: string;
  /** Hotkey. */
  readonly validator: string;
  readonly roundId: string;
  readonly kind: string;
  readonly request: Schema.Json;
  readonly answer: Readonly<Record<string, Schema.Json>>;
  /** The validator said that the answer is durable. */
  readonly isAcknowledged: boolean;
};

/** An extrinsic in a block by which a validator sets, commits or reveals weights. */
export type Submission = {
  readonly hotkey: string;
  readonly block: number;
  readonly epoch: number;
  readonly call: string;
  readonly nonce: number;
  readonly isSuccess: boolean;
  /** Plain weights by uid; null for a commit. */
  readonly weights: readonly (readonly [uid: number, value: number])[] | null;
};

/** A block of the chain; `atMs` is what the chain says, in milliseconds since the Unix epoch. */
export type BlockFact = { readonly number: number; readonly epoch: number; readonly atMs: number };

/** Wall clock of the driver, milliseconds since the Unix epoch. */
export type Span = { readonly fromMs: number; readonly toMs: number };

/** Something a process did or said, when the driver saw it: the process may have another clock. */
export type JournalEntry = {
  readonly atMs: number;
  /** Counts the starts of the process from 1. */
  readonly life: number;
  /** Event of the log; `process.started` and `process.ended` are the driver's own. */
  readonly event: string;
  /** Of `round.ended` with a settled round: the epoch it counts for, and the block it was planned at. */
  readonly round?: { readonly epoch: number; readonly block: number };
};
export type Journal = { readonly name: string; readonly entries: readonly JournalEntry[] };

/** What one validator hotkey has in its store, read back after everything has ended. */
export type ValidatorFacts = {
  readonly hotkey: string;
  readonly log: readonly (SequencedRecord & { readonly key: string | null })[];
  /** Records that do not decode. */
  readonly unreadable: readonly string[];
  /** Values the store has set aside. */
  readonly setAside: readonly string[];
  /** What fresh processes say: `miaoai audit`, `miaoai store check`. */
  readonly commands: readonly {
    readonly name: string;
    readonly code: number | null;
    readonly text: string;
  }[];
  /** Of each process with this hotkey. */
  readonly journals: readonly Journal[];
};

/** A time in which something was wrong. */
export type Outage = Span & { readonly kind: FaultKind };

export type RunFacts = {
  readonly witnessHotkey: string;
  readonly validators: readonly ValidatorFacts[];
  readonly witnessed: readonly Witnessed[];
  readonly strayAcks: readonly string[];
  readonly submissions: readonly Submission[];
  readonly blocks: readonly BlockFact[];
  readonly outages: readonly Outage[];
  /** Times in which the machine gave the driver itself no processor. */
  readonly stalls: readonly Span[];
  readonly schedule: {
    readonly tempo: number;
    readonly dueAfter: number;
    readonly lastBlocks: number;
    /** Blocks in a row that are enough for setting weights when nothing is in the way. */
    readonly enoughBlocks: number;
    /** Wall clock from which the validators were up for the first time, and until when they were to work. */
    readonly fromMs: number;
    readonly toMs: number;
  };
  readonly processes: {
    readonly stillRunning: readonly number[];
    readonly ends: readonly {
      readonly name: string;
      readonly code: number | null;
      readonly signal: string | null;
    }[];
    /** Highest seen of each name. */
    readonly peaks: readonly {
      readonly name: string;
      readonly rssMiB: number;
      readonly descriptors: number;
    }[];
  };
  /** What the driver waited for in vain. */
  readonly notRecovered: readonly string[];
};
