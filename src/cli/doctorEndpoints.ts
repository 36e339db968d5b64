/** What `doctor` asks every node of the list, and what that says of this machine's clock. */
import * as Effect from 'effect/Effect';

import { Chain, type ChainConnection } from '../chain/client.ts';
import type { Pace } from '../chain/height.ts';
import type { Config } from '../config.ts';
import { maskEndpoint } from '../domain/endpoint.ts';
import type { BlockNumber } from '../domain/ids.ts';
import { defaultLinkLimits } from '../transport/limits.ts';
import type { EndpointReport, Finding } from './doctorReport.ts';

const chain = (check: string, status: Finding['status'], message: string): Finding => ({
  area: 'chain',
  check,
  status,
  message,
});

/** Nodes asked at a time: all of an ordinary list, so that dead ones cost one deadline together. */
const CONCURRENCY = 32;
/** Blocks by which a healthy node may be behind another. */
const TOLERATED_LAG_BLOCKS = 5;
/** A block's time is its slot's, so that a fresh block can seem to come from this far in the future. */
const TOLERATED_FUTURE_MS = 2_000;

export type Asked = {
  readonly report: EndpointReport;
  /** Open until the end of the scope; null when not reachable. */
  readonly connection: ChainConnection | null;
  readonly pace: Pace | null;
};

const unreachable = (endpoint: string, error: string): Asked => ({
  report: {
    endpoint: maskEndpoint(endpoint),
    isReachable: false,
    error,
    genesisHash: null,
    specVersion: null,
    bestBlock: null,
    finalizedBlock: null,
    headAgeMs: null,
    connectMs: null,
    callMs: null,
  },
  connection: null,
  pace: null,
});

const timed = <A, E, R>(work: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const startedMs = performance.now();
    return Effect.map(work, (value) => ({ value, ms: performance.now() - startedMs }));
  });

const askOne = Effect.fnUntraced(function* (config: Config, endpoint: string) {
  const { netuid, connectTimeoutMs: connectMs, chainCallTimeoutMs: callMs } = config;
  const { connect } = yield* Chain;
  const { value: connection, ms } = yield* timed(connect({ endpoint, netuid, connectMs, callMs }));
  const best = yield* timed(connection.bestBlock());
  const final = yield* connection.finalizedHead();
  // A chain that has made no block yet has no time either.
  const head = yield* connection.headAt(best.value);
  const pace = best.value === 0 ? null : yield* connection.paceAt(head);
  const report: EndpointReport = {
    endpoint: maskEndpoint(endpoint),
    isReachable: true,
    error: null,
    genesisHash: connection.genesisHash,
    specVersion: connection.specVersion,
    bestBlock: best.value,
    finalizedBlock: final.block,
    headAgeMs: pace === null ? null : Math.round(Date.now() - pace.timestampMs),
    connectMs: Math.round(ms),
    callMs: Math.round(best.ms),
  };
  return { report, connection, pace } satisfies Asked;
});

/** Asks every node; one that does not answer is a result, not a failure. */
export const askEndpoints = (config: Config) =>
  Effect.forEach(
    config.chainEndpoints,
    (endpoint) =>
      Effect.catch(askOne(config, endpoint), (error) => Effect.succeed(unreachable(endpoint, error.message))),
    { concurrency: CONCURRENCY },
  );

/** How far behind the newest of these heads each of them is. */
const lagOf = (asked: readonly Asked[]) => {
  const newest = Math.max(0, ...asked.map(({ report }) => report.bestBlock ?? 0));
  return ({ report }: Asked): number => newest - (report.bestBlock ?? 0);
};

export type Answering = Asked & { readonly connection: ChainConnection };

/** The node a daemon would use: the first in the order of preference that is on the height of the others. */
export const preferredNode = (asked: readonly Asked[]): Answering | null => {
  const lag = lagOf(asked);
  const answering = asked.filter((one): one is Answering => one.connection !== null);
  return answering.find((one) => lag(one) <= TOLERATED_LAG_BLOCKS) ?? answering[0] ?? null;
};

const reachability = (asked: readonly Asked[]): Finding => {
  const up = asked.filter(({ connection }) => connection !== null).length;
  if (up === 0) {
    const message =
      'no node answers: check the network of this machine, or name others with --chain-endpoints';
    return chain('Endpoints', 'blocked', message);
  }
  const message = `${up} of ${asked.length} nodes answer`;
  return up === asked.length ? chain('Endpoints', 'ok', message) : chain('Endpoints', 'warning', message);
};

const sameChain = (reports: readonly EndpointReport[]): Finding | null => {
  const hashes = new Set(reports.map(({ genesisHash }) => genesisHash));
  if (hashes.size === 0) return null;
  return hashes.size === 1
    ? chain('Genesis', 'ok', `genesis ${[...hashes].join()}`)
    : chain('Genesis', 'blocked', 'the nodes belong to different chains: correct --chain-endpoints');
};

const heights = (answering: readonly Asked[], headPatienceMs: number): readonly Finding[] => {
  const reports = answering.map(({ report }) => report);
  const newest = Math.max(...reports.map(({ bestBlock }) => bestBlock ?? 0));
  const lag = lagOf(answering);
  const behind = answering.filter((one) => lag(one) > TOLERATED_LAG_BLOCKS);
  const lags = behind.map((one) =>
    chain('NodeLags', 'warning', `${one.report.endpoint} is ${lag(one)} blocks behind the others`),
  );
  return [headAge(reports, { newest, headPatienceMs }), ...lags];
};

const agesOf = (reports: readonly EndpointReport[]): readonly number[] =>
  reports.map(({ headAgeMs }) => headAgeMs).filter((age) => age !== null);

const headAge = (
  reports: readonly EndpointReport[],
  { newest, headPatienceMs }: { readonly newest: BlockNumber; readonly headPatienceMs: number },
): Finding => {
  const ages = agesOf(reports);
  if (ages.length === 0) return chain('HeadAge', 'warning', 'the chain has made no block yet');
  const youngestMs = Math.min(...ages);
  const age = `newest block ${newest}, ${(youngestMs / 1_000).toFixed(1)} s old`;
  if (youngestMs <= headPatienceMs) return chain('HeadAge', 'ok', age);
  const why = "the chain stands still, or this machine's clock is ahead";
  return chain('HeadAge', 'warning', `${age}, more than --head-patience-ms: ${why}`);
};

/** A block cannot be younger than now: how far it is from the future is the least by which this clock is behind. */
const clock = (reports: readonly EndpointReport[]): Finding => {
  const aheadMs = Math.max(0, ...agesOf(reports).map((age) => -age));
  const limitMs = defaultLinkLimits.clockWindowMs;
  if (aheadMs <= TOLERATED_FUTURE_MS) {
    return chain('Clock', 'ok', 'this machine is not behind the time of the chain');
  }
  const message = `this machine's clock is at least ${Math.round(aheadMs / 1_000)} s behind the time of the chain: synchronise it (NTP)`;
  return chain('Clock', aheadMs > limitMs ? 'blocked' : 'warning', message);
};

/** What the answers say together. */
export const endpointFindings = (config: Config, asked: readonly Asked[]): readonly Finding[] => {
  const answering = asked.filter(({ report }) => report.isReachable);
  const reports = answering.map(({ report }) => report);
  const found = [reachability(asked), sameChain(reports)].filter((finding) => finding !== null);
  return reports.length === 0
    ? found
    : [...found, ...heights(answering, config.headPatienceMs), clock(reports)];
};
