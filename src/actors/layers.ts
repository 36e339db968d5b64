import * as Layer from 'effect/Layer';
import * as Logger from 'effect/Logger';
import * as ManagedRuntime from 'effect/ManagedRuntime';

import { Chain } from '../chain/client.ts';
import type { Logger as Log } from '../logging.ts';
import { type StoreVitals, StoreVitalsService } from '../store/health.ts';
import { type Store, StoreService } from '../store/store.ts';
import { AnswerOutboxes } from './answerOutbox.ts';
import { Arrivals } from './arrivals.ts';
import { ActorFibers } from './bridge.ts';
import { CurrentChain } from './currentChain.ts';
import { CurrentListener } from './currentListener.ts';
import { MinerLinks } from './minerLinks.ts';
import { Pauses } from './pauses.ts';
import { RoundBook } from './roundBook.ts';
import { CurrentPool } from './taskDesk.ts';
import { type Tracing, tracesLayer } from './tracing/tracing.ts';
import { CurrentGate } from './workGate.actor.ts';

const levelOf = (level: string): 'debug' | 'info' | 'warn' | 'error' => {
  switch (level) {
    case 'Fatal':
    case 'Error':
      return 'error';
    case 'Warn':
      return 'warn';
    case 'Info':
      return 'info';
    default:
      return 'debug';
  }
};

/** Edges log through Effect; everything ends in the one pino instance. */
const logLayer = (log: Log) =>
  Logger.layer([
    Logger.make(({ logLevel, message }) => {
      const [text, ...details] = Array.isArray(message) ? message : [message];
      const fields: Record<string, unknown> = Object.assign(
        {},
        ...details.filter((d) => typeof d === 'object'),
      );
      log[levelOf(logLevel)]({ event: 'edge.logged', ...fields }, String(text));
    }),
  ]);

/**
 * Everything a validator's actors need. Fibers stand on top of the services, so that disposing the runtime ends every
 * link before it releases what the links use.
 */
export const validatorRuntime = (options: {
  readonly store: Store;
  readonly vitals: StoreVitals;
  readonly log: Log;
  readonly tracing?: Tracing | null;
}) =>
  ManagedRuntime.make(
    ActorFibers.layer.pipe(
      Layer.provideMerge(
        Layer.mergeAll(
          Chain.layer,
          CurrentChain.layer,
          MinerLinks.layer,
          RoundBook.layer,
          Pauses.layer,
          Layer.succeed(StoreService, options.store),
          Layer.succeed(StoreVitalsService, options.vitals),
          tracesLayer(options.tracing ?? null),
        ),
      ),
      Layer.provideMerge(logLayer(options.log)),
    ),
  );

/** The same for a miner. */
export const minerRuntime = (options: { readonly log: Log; readonly tracing?: Tracing | null }) =>
  ManagedRuntime.make(
    ActorFibers.layer.pipe(
      Layer.provideMerge(
        Layer.mergeAll(
          Chain.layer,
          CurrentChain.layer,
          Arrivals.layer,
          AnswerOutboxes.layer,
          CurrentPool.layer,
          CurrentListener.layer,
          CurrentGate.layer,
          tracesLayer(options.tracing ?? null),
        ),
      ),
      Layer.provideMerge(logLayer(options.log)),
    ),
  );

export type ValidatorRuntime = ReturnType<typeof validatorRuntime>;
export type MinerRuntime = ReturnType<typeof minerRuntime>;
