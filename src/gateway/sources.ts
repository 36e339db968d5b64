import type { DoctorView, LogLine, SettingView } from '../domain/view/commonView.ts';
import type { InspectionEntry, InspectionHello, InspectionSession } from '../domain/view/inspection.ts';
import type { ViewHello, ViewPatch } from '../domain/view/stream.ts';
import type { SessionDetail, WeightHistory } from '../domain/view/validatorView.ts';

/** Answer to a probe: well, or why not. */
export type Probe = { readonly isWell: boolean; readonly reasons: readonly string[] };

/** What a page follows: everything as it is now, and then what changes. */
export type Followed<Hello, News> = {
  readonly hello: () => Hello;
  /** Tells the news until the returned function is called. */
  readonly subscribe: (onNews: (news: News) => void) => () => void;
};

/** Everything the gateway shows. It asks for nothing else, and can change nothing through it. */
export type GatewaySources = {
  readonly view: Followed<ViewHello, ViewPatch>;
  readonly inspection: Followed<InspectionHello, readonly InspectionEntry[]> & {
    readonly session: () => InspectionSession;
  };
  readonly logs: {
    /** The last lines, oldest first. */
    readonly recent: () => readonly LogLine[];
    readonly subscribe: (onLines: (lines: readonly LogLine[]) => void) => () => void;
  };
  /** `GET /api/status`: the slices without their long lists. */
  readonly status: () => unknown;
  /** null for a miner. */
  readonly sessionDetail: ((uid: number) => Promise<SessionDetail | null>) | null;
  /** null for a miner. */
  readonly history: (() => Promise<WeightHistory>) | null;
  readonly settings: () => readonly SettingView[];
  readonly doctor: () => Promise<DoctorView>;
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
  readonly live: () => Probe;
  readonly ready: () => Probe;
};
