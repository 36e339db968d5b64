import * as Effect from 'effect/Effect';

import { Chain, type ChainConnection } from '../chain/client.ts';
import { commonSettings } from '../config/commonSettings.ts';
import { endpointsOf } from '../config/networks.ts';
import type { ValuesOf } from '../config/setting.ts';
import { maskEndpoint, maskNetwork } from '../domain/endpoint.ts';
import { commandExitCodes } from '../exitCodes.ts';
import { failed } from './ending.ts';

/** Which chain a command talks to. */
export const chainSettings = {
  netuid: commonSettings.netuid,
  network: commonSettings.network,
  chainEndpoints: commonSettings.chainEndpoints,
  connectTimeoutMs: commonSettings.connectTimeoutMs,
  chainCallTimeoutMs: commonSettings.chainCallTimeoutMs,
} as const;

type ChainValues = ValuesOf<typeof chainSettings>;

/** A connection to the first endpoint that answers, until the end of the scope. */
export const connectFirst = Effect.fn('cli.connectFirst')(function* (values: ChainValues) {
  const { netuid, connectTimeoutMs: connectMs, chainCallTimeoutMs: callMs } = values;
  const chain = yield* Chain;
  const problems: string[] = [];
  for (const endpoint of values.chainEndpoints ?? endpointsOf(values.network)) {
    const opened = yield* Effect.result(chain.connect({ endpoint, netuid, connectMs, callMs }));
    if (opened._tag === 'Success') return opened.success satisfies ChainConnection;
    problems.push(`  ${maskEndpoint(endpoint)}: ${opened.failure.message}`);
  }
  const message = `no node of ${maskNetwork(values.network)} could be used:\n${problems.join('\n')}\nCheck the network of this machine, or name other nodes with --chain-endpoints`;
  return yield* Effect.fail(failed(commandExitCodes.unreachable, message, 'Unreachable'));
});
