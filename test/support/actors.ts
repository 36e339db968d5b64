import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as Scope from 'effect/Scope';
import {
  type AnyEventObject,
  type CallbackActorLogic,
  createActor,
  type EventObject,
  type PromiseActorLogic,
  sendTo,
  setup,
  toPromise,
} from 'xstate';

import type { ActorRuntime } from '#src/actors/bridge.ts';
import { firstChainSeen } from '#src/actors/chainIdentity.ts';
import { chainSession } from '#src/actors/chainSession.actor.ts';
import { CurrentChain } from '#src/actors/currentChain.ts';
import { readEvidence } from '#src/actors/evidenceLog.ts';
import { minerRuntime, type ValidatorRuntime, validatorRuntime } from '#src/actors/layers.ts';
import { MinerLinks } from '#src/actors/minerLinks.ts';
import { RoundBook } from '#src/actors/roundBook.ts';
import type { Tracing } from '#src/actors/tracing/tracing.ts';
import type { Chain } from '#src/chain/client.ts';
import type { SequencedRecord } from '#src/domain/derivation.ts';
import type { EvidenceRecord } from '#src/domain/evidence.ts';
import { createLogger, type Logger } from '#src/logging.ts';
import { EmbeddedStore, openStoreReadOnly } from '#src/store/sqlite.ts';
import { type Store, type StoreReader, StoreService } from '#src/store/store.ts';
import { DEADLINES, NETUID } from '#test/chain/devnetFixture.ts';

/** What tests of actors share: hosts that run one actor as its machine would, and the services actors live on. */

/** A logger that keeps its lines instead of writing them. */
export const recordingLog = (): { readonly log: Logger; readonly lines: Record<string, unknown>[] } => {
  const lines: Record<string, unknown>[] = [];
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) };
  return {
    log: createLogger({ level: 'debug', format: 'json', role: 'test', hotkey: null, stream }),
    lines,
  };
};

/** Asks a one-shot actor once. */
export const askOnce = <Output, Input>(
  logic: PromiseActorLogic<Output, Input>,
  input: Input,
): Promise<Output> => {
  const actor = createActor(logic, { input } as never);
  // An unobserved error of a root actor would become an uncaught exception.
  actor.subscribe({ error: () => {} });
  actor.start();
  return toPromise(actor) as Promise<Output>;
};

export type Host = {
  /** Everything the actor has said, oldest first. */
  readonly events: readonly AnyEventObject[];
  readonly errors: readonly unknown[];
  readonly types: () => readonly string[];
  /** Sends to the actor. */
  readonly tell: (event: EventObject) => void;
  /** Leaves the state that owns the actor. */
  readonly leave: () => void;
  /** Waits for the nth event of a type. */
  readonly event: (type: string, nth?: number) => Promise<AnyEventObject>;
};

const patienceMs = 10_000;

/** A machine with one state that owns the actor, and one that does not. */
export const hostLink = <Input extends object>(
  logic: CallbackActorLogic<EventObject, Input>,
  input: Input,
): Host => {
  const events: AnyEventObject[] = [];
  const errors: unknown[] = [];
  const watchers = new Set<() => void>();
  const machine = setup({
    types: { events: {} as AnyEventObject },
    actors: { link: logic as unknown as CallbackActorLogic<EventObject, object> },
  }).createMachine({
    initial: 'owning',
    states: {
      owning: {
        invoke: {
          id: 'link',
          src: 'link',
          input: () => input,
          onError: { target: 'left', actions: ({ event }) => void errors.push(event.error) },
        },
        on: {
          'host.leave': 'left',
          'host.tell': { actions: sendTo('link', ({ event }) => event['message']) },
        },
      },
      left: {},
    },
    on: {
      '*': {
        actions: ({ event }) => {
          events.push(event);
          for (const watcher of watchers) watcher();
        },
      },
    },
  });
  const actor = createActor(machine);
  actor.start();
  return {
    events,
    errors,
    types: () => events.map(({ type }) => type),
    tell: (message) => actor.send({ type: 'host.tell', message }),
    leave: () => actor.send({ type: 'host.leave' }),
    event: (type, nth = 1) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          reject(new Error(`no ${type} (${nth}): ${JSON.stringify(events)}`));
        }, patienceMs);
        const look = (): void => {
          const found = events.filter((event) => event.type === type)[nth - 1];
          if (found === undefined) return;
          watchers.delete(look);
          clearTimeout(timer);
          resolve(found);
        };
        watchers.add(look);
        look();
      }),
  };
};

/** A data folder that outlives the stores opened on it. */
export const dataFolder = (): { readonly dir: string; readonly remove: () => void } => {
  const root = mkdtempSync(join(tmpdir(), 'miaoai-actors-'));
  return { dir: join(root, 'data'), remove: () => rmSync(root, { recursive: true, force: true }) };
};

/** A store in a scope of its own; `wrap` may stand between the actors and the disk. */
export const openStore = async (dir: string) => {
  const scope = Scope.makeUnsafe();
  const store = await Effect.runPromise(Scope.provide(EmbeddedStore.open({ dir }), scope));
  return { store, close: () => Effect.runPromise(Scope.close(scope, Exit.void)) };
};

/** One life of a validator's services over a data folder. */
export const openValidatorLife = async (
  dir: string,
  wrap: (store: Store) => Store = (store) => store,
  tracing: Tracing | null = null,
) => {
  const { store, close } = await openStore(dir);
  const { log, lines } = recordingLog();
  const runtime: ValidatorRuntime = validatorRuntime({ store: wrap(store), vitals: store, log, tracing });
  const book = await runtime.runPromise(RoundBook);
  const table = await runtime.runPromise(MinerLinks);
  const chain = await runtime.runPromise(CurrentChain);
  return {
    store,
    runtime,
    book,
    table,
    chain,
    lines,
    /** What a killed process leaves: the store as it is, everything in memory gone. */
    closeStore: close,
    end: async () => {
      await runtime.dispose();
      await close();
    },
  };
};

export type ValidatorLife = Awaited<ReturnType<typeof openValidatorLife>>;

export const openMinerLife = async (tracing: Tracing | null = null) => {
  const { log, lines } = recordingLog();
  const runtime = minerRuntime({ log, tracing });
  const chain = await runtime.runPromise(CurrentChain);
  return { runtime, chain, lines, end: () => runtime.dispose() };
};

/** The whole log as it is on disk, through a reader of its own. */
export const evidenceOnDisk = (dir: string): Promise<readonly SequencedRecord[]> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const reader = yield* openStoreReadOnly({ dir });
        const records: SequencedRecord[] = [];
        yield* readEvidence({
          after: 0,
          upTo: yield* reader.lastSeq('evidence'),
          onRecord: (entry) => void records.push(entry),
        }).pipe(Effect.provideService(StoreService, readOnly(reader)));
        return records;
      }),
    ),
  );

const mayNotWrite = () => Effect.die(new Error('this reader does not write'));
const readOnly = (reader: StoreReader): Store => ({
  ...reader,
  append: mayNotWrite,
  saveSnapshot: mayNotWrite,
  useIds: mayNotWrite,
  addTo: mayNotWrite,
  dropRecords: mayNotWrite,
});

/** Records of one type. */
export const recordsOf = <Type extends EvidenceRecord['type']>(
  log: readonly SequencedRecord[],
  type: Type,
): readonly Extract<EvidenceRecord, { type: Type }>[] =>
  log.flatMap(({ record }) =>
    record.type === type ? [record as Extract<EvidenceRecord, { type: Type }>] : [],
  );

/** Opens the chain session of a life and leaves it open: the actors then see connection and heads. */
export const followChain = async (
  runtime: ActorRuntime<Chain | CurrentChain>,
  endpoint: string,
): Promise<Host> => {
  const settings = { netuid: NETUID, ...DEADLINES, checkChain: firstChainSeen() };
  const host = hostLink(chainSession(runtime, settings), { endpoint });
  await host.event('head.finalized');
  return host;
};
