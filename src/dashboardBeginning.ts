/** What the page shows before the actors of a daemon live: that it starts, or that it stands by and for whom. */
import type { InspectionEvent } from 'xstate';

import type { AboutView, ChainView, CommonSlices, LogLine } from './domain/view/commonView.ts';
import type { MinerSlices } from './domain/view/minerView.ts';
import type { ViewHello, ViewPatch } from './domain/view/stream.ts';
import type { ValidatorSlices } from './domain/view/validatorView.ts';
import type { Probe } from './gateway/sources.ts';
import { type HealthReason, type Verdict, verdictOf } from './domain/view/verdict.ts';

export type BeginningParts = {
  readonly about: Omit<AboutView, 'uid'>;
  /** Masked. */
  readonly endpoints: readonly string[];
  readonly warnings: () => readonly LogLine[];
};

type Beginning<Slices> = {
  readonly hello: () => ViewHello;
  readonly subscribe: (onPatch: (patch: ViewPatch) => void) => () => void;
  readonly slices: () => Slices;
  readonly live: () => Probe;
  readonly ready: () => Probe;
  readonly status: () => unknown;
  /** For `onInspection` of the system that waits for the right to write. */
  readonly onInspection: (inspected: InspectionEvent) => void;
  readonly close: () => void;
};

/** Each change once, and figures of the process now and then. */
const refreshMs = 1_000;

const starting: HealthReason = {
  code: 'daemon.starting',
  level: 'starting',
  text: 'The daemon is starting.',
  advice: 'Nothing needs to be done.',
};

const blind = (failure: string): HealthReason => ({
  code: 'lease.unreadable',
  level: 'attention',
  text: `It cannot be read who writes for this hotkey: ${failure}.`,
  advice: 'Check the store; it is asked again by itself.',
});

const standingBy = (holder: string): Verdict => ({
  level: 'ok',
  text: `Standing by: ${holder.replace(/ since .*$/, '')} acts for this hotkey. This process takes over when that one falls silent.`,
  reasons: [],
});

const noChain = (endpoints: readonly string[]): ChainView => ({
  state: 'none',
  endpoints: endpoints.map((url) => ({ url, isCurrent: false, block: null, lag: null, lastFailure: null })),
  finalizedBlock: null,
  headAt: null,
  specVersion: null,
  genesisHash: null,
  metagraphBlock: null,
  registration: null,
  hyperparameters: {},
  neurons: null,
  lastFailure: null,
});

type Present = { verdict: Verdict; state: string };

const commonOf = (parts: BeginningParts, present: Present): CommonSlices => {
  const { heapUsed, rss } = process.memoryUsage();
  return {
    about: { ...parts.about, uid: null },
    health: present.verdict,
    root: { state: present.state, actors: 1 },
    chain: noChain(parts.endpoints),
    store: { state: 'none', backlog: 0, lastFailure: null, records: null },
    runtime: { loopDelayP99Ms: 0, rssBytes: rss, heapBytes: heapUsed, cpuFraction: 0, descriptors: null },
    warnings: parts.warnings(),
  };
};

const messageOf = (failure: unknown): string =>
  typeof failure === 'object' && failure !== null && 'message' in failure
    ? String(failure.message)
    : 'unknown';

/** What the events of the lease mean to whoever looks. */
const hear = (present: Present, { type, event }: { type: string; event: { type: string } }): void => {
  if (type !== '@xstate.event') return;
  const fields: { readonly type: string; readonly holder?: unknown; readonly failure?: unknown } = event;
  switch (fields.type) {
    case 'lease.standingBy':
      Object.assign(present, {
        verdict: standingBy(String(fields.holder)),
        state: 'standingBy',
      });
      break;
    case 'lease.unreadable':
      Object.assign(present, { verdict: verdictOf([blind(messageOf(fields.failure))], ''), state: 'blind' });
      break;
    case 'lease.taken':
      Object.assign(present, {
        verdict: verdictOf([starting], ''),
        state: 'starting',
      });
      break;
  }
};

const begin = <Slices extends CommonSlices>(
  parts: BeginningParts,
  rest: Omit<Slices, keyof CommonSlices>,
  rows: ViewHello['rows'],
): Beginning<Slices> => {
  const present: Present = { verdict: verdictOf([starting], ''), state: 'starting' };
  const followers = new Map<(patch: ViewPatch) => void, NodeJS.Timeout>();
  // The two halves together are the whole; the compiler cannot see that of a generic one.
  const slices = (): Slices => ({ ...commonOf(parts, present), ...rest }) as Slices;
  return {
    hello: () => ({ slices: { ...slices() }, rows }),
    slices,
    live: () => ({ isWell: true, reasons: [] }),
    ready: () => ({ isWell: false, reasons: [present.verdict.text] }),
    status: slices,
    subscribe: (onPatch) => {
      const tell = (): void => onPatch({ slices: { ...commonOf(parts, present) }, rows: {} });
      followers.set(onPatch, setInterval(tell, refreshMs).unref());
      return () => {
        clearInterval(followers.get(onPatch));
        followers.delete(onPatch);
      };
    },
    onInspection: (inspected) => {
      if (inspected.type === '@xstate.event') hear(present, inspected);
    },
    close: () => {
      for (const timer of followers.values()) clearInterval(timer);
      followers.clear();
    },
  };
};

export const beginValidator = (parts: BeginningParts): Beginning<ValidatorSlices> =>
  begin<ValidatorSlices>(
    parts,
    {
      epoch: null,
      weights: {
        state: 'none',
        lastConfirmedEpoch: null,
        lastConfirmedAtBlock: null,
        blocksSinceLastSet: null,
        behind: 0,
        isCommitReveal: false,
        scoredEpoch: null,
        rows: [],
        submissions: [],
        vtrust: [],
      },
      rounds: [],
    },
    { sessions: {} },
  );

export const beginMiner = (parts: BeginningParts): Beginning<MinerSlices> =>
  begin<MinerSlices>(
    parts,
    {
      standing: {
        incentive: null,
        rank: null,
        ranked: 0,
        emission: null,
        history: [],
        axon: null,
        announced: null,
      },
      inference: {
        state: 'none',
        provider: null,
        note: null,
        slots: 0,
        workers: [],
        queued: 0,
        running: 0,
        batchesPerSecond: 0,
        itemsPerSecond: 0,
        tokensPerSecond: 0,
        meanBatch: null,
        latencyMs: null,
        gpu: null,
        history: [],
      },
      models: [],
      requests: {
        totals: { received: 0, answered: 0, acknowledged: 0, refused: 0, failed: 0, lost: 0 },
        recent: [],
      },
    },
    { served: {} },
  );
