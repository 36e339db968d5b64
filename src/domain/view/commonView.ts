import type { Verdict } from './verdict.ts';

/** Who this daemon is; never changes while it runs, but for the uid. */
export type AboutView = {
  readonly role: 'validator' | 'miner';
  readonly version: string;
  readonly network: string;
  readonly netuid: number;
  readonly hotkey: string;
  /** null while the hotkey is not registered, or the metagraph unread. */
  readonly uid: number | null;
  /** Wall clock, milliseconds since the Unix epoch. */
  readonly startedAt: number;
  readonly pid: number;
  readonly node: string;
  readonly dataDir: string;
  /** `embedded`, or the Redis with its password masked. */
  readonly store: string;
};

/** State of the root machine, `running.working` style, and how many actors live. */
export type RootView = { readonly state: string; readonly actors: number };

export type EndpointView = {
  /** Masked: no user, password or query. */
  readonly url: string;
  readonly isCurrent: boolean;
  /** As last asked; null when not asked. */
  readonly block: number | null;
  /** Blocks behind the highest known; null when unknown. */
  readonly lag: number | null;
  readonly lastFailure: string | null;
};

export type ChainView = {
  /** State of `chainLink`, leaf names joined: `following`, `connecting`. */
  readonly state: string;
  readonly endpoints: readonly EndpointView[];
  readonly finalizedBlock: number | null;
  /** When the newest finalized head arrived here; milliseconds. */
  readonly headAt: number | null;
  readonly specVersion: number | null;
  readonly genesisHash: string | null;
  /** Of the metagraph in use. */
  readonly metagraphBlock: number | null;
  readonly registration: {
    readonly uid: number;
    readonly registeredAtBlock: number;
    readonly immuneForBlocks: number;
    readonly hasPermit: boolean;
    readonly stake: number;
  } | null;
  readonly hyperparameters: Readonly<Record<string, number | boolean>>;
  readonly neurons: number | null;
  readonly lastFailure: string | null;
};

/** All times are milliseconds since the Unix epoch unless named otherwise. */
export type LogLine = {
  readonly seq: number;
  readonly at: number;
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  readonly event: string | null;
  readonly msg: string;
  /** The rest of the line as one-line JSON, bounded and redacted. */
  readonly fields: Readonly<Record<string, unknown>>;
};

/** A value of the configuration and where it came from. Secrets are masked before they get here. */
export type SettingView = {
  readonly name: string;
  readonly flag: string;
  readonly variable: string;
  readonly value: string;
  readonly source: 'default' | 'flag' | 'environment' | '.env';
  readonly isSecret: boolean;
  readonly description: string;
};

export type DoctorView = {
  readonly at: number;
  readonly checks: readonly {
    readonly name: string;
    readonly verdict: 'ok' | 'warning' | 'failed' | 'skipped';
    readonly evidence: string;
    readonly remedy: string | null;
  }[];
};

/** Of this process; sampled every few seconds. */
export type RuntimeView = {
  readonly loopDelayP99Ms: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly cpuFraction: number;
  readonly descriptors: number | null;
};

export type StoreView = {
  /** State of `storeHealth`; miners that keep nothing have `none`. */
  readonly state: string;
  readonly backlog: number;
  readonly lastFailure: string | null;
  readonly records: number | null;
};

export type CommonSlices = {
  readonly about: AboutView;
  readonly health: Verdict;
  readonly root: RootView;
  readonly chain: ChainView;
  readonly store: StoreView;
  readonly runtime: RuntimeView;
  /** Last lines of level warn and above, newest first, at most 20. */
  readonly warnings: readonly LogLine[];
};
