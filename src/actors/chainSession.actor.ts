import * as Cause from 'effect/Cause';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import type { EventObject } from 'xstate';

import { Chain, type ConnectOptions } from '../chain/client.ts';
import { type ChainError, toChainFailure } from '../chain/errors.ts';
import type { ChainFailure } from '../domain/failures.ts';
import type { ChainLinkEvent, ChainSession, ReadSubnet } from '../machines/chainLife.ts';
import { type ActorRuntime, fromEffect, fromScoped, type Link } from './bridge.ts';
import type { CheckChain } from './chainIdentity.ts';
import { CurrentChain, connection } from './currentChain.ts';

export type ChainSettings = Omit<ConnectOptions, 'endpoint'> & { readonly checkChain: CheckChain };

const open = (settings: ChainSettings) =>
  Effect.fn('chainSession.open')(function* (
    link: Link<{ readonly endpoint: string }, EventObject, ChainLinkEvent>,
  ) {
    const chain = yield* Chain;
    const view = yield* CurrentChain;
    const live = yield* chain.connect({ ...settings, endpoint: link.input.endpoint });
    yield* settings.checkChain(live.genesisHash);
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        view.connection = live;
        view.genesisHash = live.genesisHash;
      }),
      () =>
        Effect.sync(() => {
          if (view.connection === live) view.connection = null;
        }),
    );
    link.emit({ type: 'chain.opened', genesisHash: live.genesisHash, specVersion: live.specVersion });
    const after = view.head?.block;
    return yield* live.followHeads(
      (head) => {
        view.head = head;
        link.emit({ type: 'head.finalized', head });
      },
      after === undefined ? {} : { after },
    );
  });

const ended = (exit: Exit.Exit<never, ChainError | ChainFailure>): ChainFailure => {
  const error = Exit.isFailure(exit) ? Cause.findErrorOption(exit.cause) : undefined;
  if (error?._tag === 'Some') {
    return error.value instanceof Error ? toChainFailure(error.value) : error.value;
  }
  const detail = Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : 'closed here';
  return {
    _tag: 'Unreachable',
    message: `the chain session ended: ${detail}`,
    retry: { when: 'reconnected' },
  };
};

/** One endpoint: opened, followed head by head, released. It never reconnects; the chain link's machine decides. */
export const chainSession = (
  runtime: ActorRuntime<Chain | CurrentChain>,
  settings: ChainSettings,
): ChainSession =>
  fromScoped(runtime)(open(settings), (exit) => ({
    type: 'chain.closed' as const,
    failure: ended(exit),
    jitter: Math.random(),
  }));

/** The whole subnet at one finalized head. */
export const readSubnet = (runtime: ActorRuntime<CurrentChain>): ReadSubnet =>
  fromEffect(runtime)(
    Effect.fn('chain.readSubnetAt')(function* ({ head }) {
      const live = yield* connection;
      const view = yield* CurrentChain;
      const subnet = yield* Effect.mapError(live.readSubnet(head), toChainFailure);
      view.subnet = subnet;
      return subnet;
    }),
  );
