import type { CommonSlices } from './commonView.ts';

export type StandingView = {
  readonly incentive: number | null;
  /** 1 is the best of all neurons with incentive above 0; null without any. */
  readonly rank: number | null;
  readonly ranked: number;
  /** Alpha of the last epoch. */
  readonly emission: number | null;
  /** Oldest first, at most 200. */
  readonly history: readonly { readonly block: number; readonly incentive: number }[];
  readonly axon: string | null;
  readonly announced: string | null;
};

/** One validator with a link, or that had one lately. */
export type ServedRow = {
  readonly hotkey: string;
  readonly uid: number | null;
  readonly stake: number | null;
  readonly state: 'greeting' | 'ready' | 'busy' | 'closed';
  readonly sessionId: string | null;
  readonly since: number;
  readonly lastFailure: string | null;
  readonly counts: RequestCounts;
};

export type RequestCounts = {
  readonly received: number;
  readonly answered: number;
  /** Acknowledged by the validator: it has the answer on disk. */
  readonly acknowledged: number;
  readonly refused: number;
  readonly failed: number;
  /** Answers that no validator took before their deadline. */
  readonly lost: number;
};

export type RequestRow = {
  readonly at: number;
  readonly validator: string;
  readonly kind: string;
  readonly outcome: 'answered' | 'acknowledged' | 'refused' | 'failed' | 'lost';
  readonly ms: number | null;
  readonly reason: string | null;
};

export type InferenceView = {
  /** State of `inferencePool`. */
  readonly state: string;
  readonly provider: string | null;
  readonly note: string | null;
  readonly slots: number;
  readonly workers: readonly {
    readonly slot: number;
    readonly isReady: boolean;
    readonly restarts: number;
    readonly lastExit: string | null;
  }[];
  readonly queued: number;
  readonly running: number;
  /** Of the last minute. */
  readonly batchesPerSecond: number;
  readonly itemsPerSecond: number;
  readonly tokensPerSecond: number;
  readonly meanBatch: number | null;
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number } | null;
  /** null without a GPU, or without `nvidia-smi`. */
  readonly gpu: {
    readonly name: string;
    readonly usedBytes: number;
    readonly totalBytes: number;
    readonly utilization: number;
    readonly celsius: number;
  } | null;
  /** One point per second, oldest first, at most 120. */
  readonly history: readonly {
    readonly at: number;
    readonly queued: number;
    readonly items: number;
    readonly p95Ms: number | null;
  }[];
};

/** Who knocked at the port since it was opened. */
export type PortView = {
  /** TCP connections let in, and links whose hotkey was proven. */
  readonly connections: number;
  readonly established: number;
  /** Connections turned away and handshakes refused, by reason; all reasons are there. */
  readonly refused: Readonly<Record<string, number>>;
};

export type ModelRow = {
  readonly name: string;
  readonly kinds: readonly string[];
  readonly revision: string;
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  readonly labels: number | null;
};

export type MinerSlices = CommonSlices & {
  readonly standing: StandingView;
  readonly inference: InferenceView;
  /** null before the port is opened for the first time. */
  readonly port: PortView | null;
  readonly models: readonly ModelRow[];
  readonly requests: {
    readonly totals: RequestCounts;
    /** Newest first, at most 100. */
    readonly recent: readonly RequestRow[];
  };
};

/** Keyed by hotkey. */
export type MinerRows = { readonly served: Readonly<Record<string, ServedRow>> };
