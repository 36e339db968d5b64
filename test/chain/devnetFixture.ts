/** One subnet on an embedded chain with blocks made by hand, and a proxy that can spoil the traffic to it. */
import * as Effect from 'effect/Effect';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { Chain, type ChainConnection } from '#src/chain/client.ts';
import { decodeGenesis } from '#src/devnet/genesis.ts';
import { type Devnet, type DevnetOptions, startDevnet } from '#src/devnet/node.ts';
import { subtensorModule } from '#src/devnet/subtensor/pallet.ts';
import type { WeightVector } from '#src/domain/weightVector.ts';
import { type Identity, identityFromUri } from '#src/keys/identity.ts';

export const NETUID = 86;
export const RATE_LIMIT_BLOCKS = 5;
export const DEADLINES = { connectMs: 2_000, callMs: 5_000 };

/** Alice (uid 0) validates, Bob (1) and Charlie (2) mine; tempo 50. */
export const startSubnet = (options: {
  readonly sealing: 'manual' | 'interval';
  readonly hyperparameters?: Record<string, number | boolean>;
  readonly flags?: { readonly allowLoopbackAxon: boolean };
  /** Funded accounts, by secret URI. */
  readonly funded?: readonly string[];
  readonly node?: Partial<Pick<DevnetOptions, 'profile' | 'startMs' | 'finalityLagBlocks'>>;
}): Promise<Devnet> =>
  startDevnet({
    sealing: options.sealing,
    pallets: [subtensorModule],
    ...options.node,
    genesis: decodeGenesis({
      chain: 'chain client test',
      blockTimeMs: options.sealing === 'manual' ? 1_000 : 100,
      accounts: (options.funded ?? []).map((address) => ({ address, free: '1000000000000' })),
      flags: options.flags ?? {},
      subnets: [
        {
          netuid: NETUID,
          tempo: 50,
          ownerColdkey: '//Eve',
          ownerHotkey: '//Ferdie',
          hyperparameters: {
            commitRevealWeightsEnabled: false,
            weightsSetRateLimit: RATE_LIMIT_BLOCKS,
            servingRateLimit: RATE_LIMIT_BLOCKS,
            minAllowedWeights: 1,
            ...options.hyperparameters,
          },
          neurons: [
            { hotkey: '//Alice', coldkey: '//Dave', stake: '300000000000', validatorPermit: true },
            { hotkey: '//Bob', coldkey: '//Dave', stake: '0' },
            { hotkey: '//Charlie', coldkey: '//Dave', stake: '0' },
          ],
        },
      ],
    }),
  });

export const identity = (uri: string): Identity => {
  const outcome = identityFromUri(uri);
  if (!outcome.ok) throw new Error(outcome.error.message);
  return outcome.value;
};

/** Runs a program on one connection, which is closed afterwards. */
export const withConnection = <A, E>(
  endpoint: string,
  program: (connection: ChainConnection) => Effect.Effect<A, E>,
  options: { readonly netuid?: number; readonly callMs?: number } = {},
): Promise<A> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const chain = yield* Chain;
        return yield* program(yield* chain.connect({ endpoint, netuid: NETUID, ...DEADLINES, ...options }));
      }),
    ).pipe(Effect.provide(Chain.layer)),
  );

type WeightsToSign = { readonly uri: string; readonly vector: WeightVector; readonly periodBlocks?: number };

/** Signs weights on the newest head; with commit-reveal on, gives the plan of the reveal as well. */
export const planWeights = (connection: ChainConnection, options: WeightsToSign) =>
  Effect.gen(function* () {
    const head = yield* connection.finalizedHead();
    const signer = identity(options.uri);
    return yield* connection.prepareWeights({
      identity: signer,
      facts: yield* connection.readSubmissionFacts({ head, hotkey: signer.hotkey }),
      vector: options.vector,
      versionKey: 2_208,
      head,
      periodBlocks: options.periodBlocks ?? 32,
    });
  });

/** Signs weights on the newest head. */
export const prepareWeights = (connection: ChainConnection, options: WeightsToSign) =>
  Effect.map(planWeights(connection, options), ({ prepared }) => prepared);

type Request = { readonly id: number; readonly method: string };
type Reply = { readonly id?: number; result?: unknown; readonly params?: unknown };

/** What a spoiling proxy does with a request: let it pass, swallow it, cut the line, or change the answer. */
export type Spoil = (request: Request) => 'pass' | 'swallow' | 'cut' | ((result: unknown) => unknown);

export type SpoilingProxy = { readonly url: string; readonly stop: () => void };

/** A WebSocket proxy in front of a node. */
export const startProxy = async (target: string, spoil: Spoil): Promise<SpoilingProxy> => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise<void>((listening) => server.on('listening', () => listening()));
  const textOf = (data: RawData): string => data.toString();
  server.on('connection', (client) => {
    const node = new WebSocket(target);
    const changes = new Map<number, (result: unknown) => unknown>();
    const waiting: string[] = [];
    const forward = (text: string): void => {
      if (node.readyState === WebSocket.OPEN) node.send(text);
      else waiting.push(text);
    };
    node.on('open', () => waiting.splice(0).forEach(forward));
    client.on('message', (data) => {
      const text = textOf(data);
      const request: Request = JSON.parse(text);
      const verdict = spoil(request);
      if (verdict === 'cut') client.terminate();
      if (verdict === 'cut' || verdict === 'swallow') return;
      if (verdict !== 'pass') changes.set(request.id, verdict);
      forward(text);
    });
    node.on('message', (data) => {
      const reply: Reply = JSON.parse(textOf(data));
      const change = reply.id === undefined ? undefined : changes.get(reply.id);
      if (change !== undefined) reply.result = change(reply.result);
      client.send(JSON.stringify(reply));
    });
    client.on('close', () => node.terminate());
    node.on('error', () => client.terminate());
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the proxy is not listening');
  return {
    url: `ws://127.0.0.1:${address.port}`,
    stop: () => {
      for (const client of server.clients) client.terminate();
      server.close();
    },
  };
};
