import type { InspectionEvent } from 'xstate';
import type { StoreHealth } from '../../domain/storeHealth.ts';
import type { AboutView, LogLine } from '../../domain/view/commonView.ts';
import type { MinerRows, MinerSlices } from '../../domain/view/minerView.ts';
import type { ViewHello, ViewPatch } from '../../domain/view/stream.ts';
import type {
  SessionDetail,
  ValidatorRows,
  ValidatorSlices,
  WeightHistory,
} from '../../domain/view/validatorView.ts';
import type { Store, StoreReader } from '../../store/store.ts';
import type { MinerRuntime, ValidatorRuntime } from '../layers.ts';
import type { createMinerSystem } from '../miner.system.ts';
import type { createValidatorSystem } from '../validator.system.ts';

/** Answer to a probe: well, or why not. */
export type Probe = { readonly isWell: boolean; readonly reasons: readonly string[] };

/** What both views begin with; there is one from the first moment of a daemon on, before anything else is opened. */
export type ViewParts = {
  readonly about: Omit<AboutView, 'uid'>;
  /** Last lines of level warn and above, newest first, at most 20. */
  readonly warnings: () => readonly LogLine[];
  /** Unix milliseconds; the clock of this machine unless given. */
  readonly now?: () => number;
};

export type ValidatorRoot = ReturnType<typeof createValidatorSystem>['root'];
export type MinerRoot = ReturnType<typeof createMinerSystem>;

/** What of a store a view needs to know how it is. */
export type StorePressureOf = {
  readonly pressure: () => { readonly pendingRows: number };
};

/** What the page of a daemon follows, and what its probes and `/api/status` answer. */
export type ViewSource<Slices, Rows> = {
  /** Sees the actor systems: give it as `onInspection` to the daemon's own and to that of the writer's lease. */
  readonly onInspection: (inspected: InspectionEvent) => void;
  readonly hello: () => ViewHello;
  /** Tells what changes, at most four times a second, until the returned function is called. */
  readonly subscribe: (onPatch: (patch: ViewPatch) => void) => () => void;
  /** As of now, at most a quarter of a second old. */
  readonly slices: () => Slices;
  readonly rows: () => Rows;
  /** `/livez`: whether the event loop turns; an outage of the chain changes nothing here. */
  readonly live: () => Probe;
  /** `/readyz`: whether this daemon does its work, and why not. */
  readonly ready: () => Probe;
  /** `GET /api/status`: the slices without their long lists. */
  readonly status: () => unknown;
  /** Ends timers and followers. */
  readonly close: () => void;
};

export type ValidatorView = ViewSource<ValidatorSlices, ValidatorRows> & {
  /** The same store, whose appended evidence is shown to the view once it is on disk. Nothing waits for the view. */
  readonly tap: <S extends Store>(store: S) => S;
  /** Takes up the last of the evidence, bounded in records and bytes; what is tapped meanwhile comes after it. */
  readonly recall: (store: StoreReader) => Promise<void>;
  /** From when on this daemon writes: its system before it is started, and its runtime. */
  readonly attach: (live: {
    readonly root: ValidatorRoot;
    readonly runtime: ValidatorRuntime;
    readonly vitals: StorePressureOf;
  }) => void;
  readonly sessionDetail: (uid: number) => Promise<SessionDetail | null>;
  readonly history: () => Promise<WeightHistory>;
};

export type MinerView = ViewSource<MinerSlices, MinerRows> & {
  /** The system before it is started, and its runtime. */
  readonly attach: (live: {
    readonly root: MinerRoot;
    readonly runtime: MinerRuntime;
    /** null while the miner serves without a store. */
    readonly store: {
      readonly pressure: StorePressureOf['pressure'];
      readonly health: () => StoreHealth;
    } | null;
  }) => void;
};
