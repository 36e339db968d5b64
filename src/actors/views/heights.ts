import type { SnapshotFrom } from 'xstate';
import type { HeightReading } from '../../domain/chainHeight.ts';
import { maskEndpoint } from '../../domain/endpoint.ts';
import type { EndpointView } from '../../domain/view/commonView.ts';
import type { ChainLinkContext } from '../../machines/chainLife.ts';
import type { endpointWatchMachine } from '../../machines/endpointWatch.machine.ts';

type Watch = SnapshotFrom<typeof endpointWatchMachine>['context'];

/** What endpoints said last of how far they are. */
export type Heights = {
  /** Index of the endpoint in use. With another one, what was compared before says nothing any more. */
  readonly using: (endpoint: number) => void;
  /** The endpoint in use was compared with the one of index `asked`; `output` is what the comparison answered. */
  readonly compared: (comparison: { readonly asked: number; readonly output: unknown }) => void;
  readonly views: (link: ChainLinkContext) => readonly EndpointView[];
  /** Blocks that the best of the others is ahead of the one in use; null where none was asked lately. */
  readonly lag: (link: ChainLinkContext) => number | null;
  /** How far this machine's clock is behind, as of the last comparison. */
  readonly clockBehindMs: () => number;
};

type Told = {
  readonly block: number | null;
  /** Of the endpoint in use; null where it was not compared with that one. */
  readonly ahead: number | null;
  readonly failure: string | null;
};

const maxEndpoints = 64;

const isReading = (value: unknown): value is HeightReading =>
  typeof value === 'object' && value !== null && 'ours' in value && 'other' in value;

const failureOf = (output: object): string =>
  'error' in output && typeof output.error === 'object' && output.error !== null && 'message' in output.error
    ? String(output.error.message)
    : 'no answer';

export const createHeights = (): Heights => {
  const told = new Map<number, Told>();
  let inUse: number | null = null;
  let clockBehindMs = 0;
  return {
    using: (endpoint) => {
      if (endpoint === inUse) return;
      inUse = endpoint;
      for (const [index, known] of told) told.set(index, { ...known, ahead: null });
    },
    compared: ({ asked, output }) => {
      if (typeof output !== 'object' || output === null || asked >= maxEndpoints) return;
      const reading: unknown = 'value' in output ? output.value : null;
      if (!isReading(reading)) {
        told.set(asked, { block: null, ahead: null, failure: failureOf(output) });
        return;
      }
      clockBehindMs = reading.clockBehindMs;
      const { ours, other } = reading;
      const ahead = other.block - ours.block;
      told.set(asked, { block: other.block, ahead, failure: null });
    },
    views: ({ endpoints, endpoint, head, lastFailure }) => {
      const highest = Math.max(head?.block ?? 0, ...[...told.values()].map(({ block }) => block ?? 0));
      return endpoints.slice(0, maxEndpoints).map((url, index) => {
        const isCurrent = index === endpoint;
        const known = told.get(index);
        const block = isCurrent ? (head?.block ?? null) : (known?.block ?? null);
        // A block that was told a minute ago is no lag: only what was compared at one moment is.
        const lag = isCurrent ? null : known?.ahead == null ? null : Math.max(0, -known.ahead);
        return {
          url: maskEndpoint(url),
          isCurrent,
          block,
          lag: isCurrent && block !== null && told.size > 0 ? Math.max(0, highest - block) : lag,
          lastFailure: isCurrent ? (lastFailure?.message ?? null) : (known?.failure ?? null),
        };
      });
    },
    lag: ({ endpoint }) => {
      const aheads = [...told].flatMap(([index, { ahead }]) =>
        index === endpoint || ahead === null ? [] : [ahead],
      );
      return aheads.length === 0 ? null : Math.max(0, ...aheads);
    },
    clockBehindMs: () => clockBehindMs,
  };
};

/** What an endpoint watch has found out that an operator should know. */
export const doubtsOf = (watch: Watch | null, link: ChainLinkContext) => ({
  isOld: (watch?.oldChecks ?? 0) > 0,
  isClockBehind: (watch?.behindChecks ?? 0) > 0,
  forkedWith: (watch?.forked ?? []).map((index) => maskEndpoint(link.endpoints[index] ?? '')),
});
