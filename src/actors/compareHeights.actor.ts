import * as Clock from 'effect/Clock';
import * as Effect from 'effect/Effect';

import { toChainFailure } from '../chain/errors.ts';
import { readHeight } from '../chain/height.ts';
import { type HeightReading, type ShownTime, timeOf } from '../domain/chainHeight.ts';
import { maskEndpoint } from '../domain/endpoint.ts';
import type { ChainFailure } from '../domain/failures.ts';
import type { Head } from '../domain/metagraph.ts';
import { type CompareHeights, endpointWatchMachine } from '../machines/endpointWatch.machine.ts';
import { type ActorRuntime, fromEffect } from './bridge.ts';
import { type CurrentChain, connection } from './currentChain.ts';

export type CompareSettings = { readonly connectTimeoutMs: number; readonly chainCallTimeoutMs: number };

/** An endpoint that takes longer is of no use to go to; nor may one hold its socket open for longer. */
const MAX_CONNECT_MS = 10_000;
const MAX_CALL_MS = 5_000;

const otherChain = (endpoint: string): ChainFailure => ({
  _tag: 'Malformed',
  message: `${maskEndpoint(endpoint)} serves another chain`,
  retry: { when: 'never' },
});

const nanosPerMs = 1e6;

/** Remembers the newest time of the chain, so that a wrong clock of this machine is found out and does no harm. */
const chainClock = () => {
  let shown: ShownTime | null = null;
  return Effect.fnUntraced(function* (headMs: number) {
    const atMs = Number(yield* Clock.monotonicTimeNanos) / nanosPerMs;
    const time = timeOf({ shown, headMs, atMs, wallMs: yield* Clock.currentTimeMillis });
    shown = time.shown;
    return { nowMs: time.nowMs, clockBehindMs: time.clockBehindMs };
  });
};

/** Ours first: while it is silent there is nothing to compare with, and its watchdog decides. */
const compare = (settings: CompareSettings, clock: ReturnType<typeof chainClock>) =>
  Effect.fn('chain.compareHeights')(function* (input: {
    readonly endpoint: string | null;
    readonly head: Head;
  }) {
    const { endpoint, head } = input;
    const live = yield* connection;
    const ours = { block: head.block, ...(yield* Effect.mapError(live.paceAt(head), toChainFailure)) };
    if (endpoint === null)
      return { ours, other: ours, isSameChain: true, ...(yield* clock(ours.timestampMs)) };
    const other = yield* Effect.mapError(
      readHeight({
        endpoint,
        connectMs: Math.min(settings.connectTimeoutMs, MAX_CONNECT_MS),
        callMs: Math.min(settings.chainCallTimeoutMs, MAX_CALL_MS),
        asked: head.block,
      }),
      toChainFailure,
    );
    if (other.genesisHash !== live.genesisHash) return yield* Effect.fail(otherChain(endpoint));
    return {
      ours,
      other: { block: other.head.block, timestampMs: other.timestampMs },
      isSameChain: other.hashAsked === null ? null : other.hashAsked === head.blockHash,
      ...(yield* clock(ours.timestampMs)),
    } satisfies HeightReading;
  });

export const compareHeights = (
  runtime: ActorRuntime<CurrentChain>,
  settings: CompareSettings,
): CompareHeights => fromEffect(runtime)(compare(settings, chainClock()));

/** The watch over the other endpoints, with its one edge. */
export const endpointWatch = (runtime: ActorRuntime<CurrentChain>, settings: CompareSettings) =>
  endpointWatchMachine.provide({ actors: { compareHeights: compareHeights(runtime, settings) } });
