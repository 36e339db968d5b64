import { type Actor, createActor, type InspectionEvent } from 'xstate';

import type { Netuid } from '../domain/ids.ts';
import type { PoolOptions } from '../inference/pool.ts';
import type { Identity } from '../keys/identity.ts';
import type { Logger } from '../logging.ts';
import { chainLinkMachine } from '../machines/chainLink.machine.ts';
import { inferencePoolMachine } from '../machines/inferencePool.machine.ts';
import { minerMachine } from '../machines/miner.machine.ts';
import { resourcesMachine } from '../machines/resources.machine.ts';
import { rootId } from '../machines/root.ts';
import { validatorSessionMachine } from '../machines/validatorSession.machine.ts';
import type { AdmissionRules } from '../machines/validatorSessions.ts';
import { defaultLinkLimits } from '../transport/limits.ts';
import { announceAxon, withdrawAxon } from './announceAxon.actor.ts';
import type { CheckChain } from './chainIdentity.ts';
import { chainSession, readSubnet } from './chainSession.actor.ts';
import { endpointWatch } from './compareHeights.actor.ts';
import { inferenceWorkers } from './inferenceWorkers.actor.ts';
import type { MinerRuntime } from './layers.ts';
import { listener } from './listener.actor.ts';
import { createObserver } from './observer.ts';
import { sampleResources } from './resourceWatch.actor.ts';
import { createTaskDesk, type PoolHolder } from './taskDesk.ts';
import { validatorLink } from './validatorLink.actor.ts';
import { type GateState, workGate } from './workGate.actor.ts';

export type MinerSettings = {
  readonly netuid: Netuid;
  readonly chainEndpoints: readonly string[];
  readonly connectTimeoutMs: number;
  readonly chainCallTimeoutMs: number;
  readonly headPatienceMs: number;
  readonly endpointCheckMs: number;
  readonly drainGraceMs: number;
  readonly axonIp: string | null;
  readonly axonPort: number;
  readonly externalPort: number | null;
  readonly withdrawAxonOnStop: boolean;
  readonly bindHost: string;
  readonly modelDirs: readonly string[];
  readonly provider: PoolOptions['provider'];
  readonly workers: number;
  readonly queueLimit: number;
  readonly requirePermit: boolean;
  readonly minValidatorStake: number;
  /** Version integer published with the axon. */
  readonly version: number;
};

export type MinerParts = {
  readonly settings: MinerSettings;
  readonly identity: Identity;
  readonly runtime: MinerRuntime;
  /** The pool service of the runtime. */
  readonly pool: PoolHolder;
  /** The gate service of the runtime. */
  readonly gate: GateState;
  /** Folder whose file system must have room. */
  readonly dataDir: string;
  readonly log: Logger;
  readonly checkChain: CheckChain;
  /** Sees all that the system tells of itself; see `ObserverOptions`. */
  readonly onInspection?: ((inspected: InspectionEvent) => void) | undefined;
};

/** Registration and permits change slowly; a new validator waits at most this long for its first answer. */
const readEveryBlocks = 5;

const rulesOf = ({ requirePermit, minValidatorStake }: MinerSettings): AdmissionRules => ({
  requirePermit,
  minValidatorStake,
});

const machineOf = (parts: MinerParts) => {
  const { runtime, settings, identity } = parts;
  const { netuid } = settings;
  const limits = defaultLinkLimits;
  const rules = rulesOf(settings);
  return minerMachine.provide({
    actors: {
      chainLink: chainLinkMachine.provide({
        actors: {
          chainSession: chainSession(runtime, {
            netuid,
            connectMs: settings.connectTimeoutMs,
            callMs: settings.chainCallTimeoutMs,
            checkChain: parts.checkChain,
          }),
          readSubnet: readSubnet(runtime),
          endpointWatch: endpointWatch(runtime, settings),
        },
      }),
      inferencePool: inferencePoolMachine.provide({
        actors: {
          inferenceWorkers: inferenceWorkers(runtime, {
            modelDirs: settings.modelDirs,
            provider: settings.provider,
            queueLimit: settings.queueLimit,
          }),
        },
      }),
      listener: listener(runtime, {
        identity,
        netuid,
        limits,
        host: settings.bindHost,
        port: settings.axonPort,
        ...rules,
      }),
      announceAxon: announceAxon(runtime, {
        identity,
        ip: settings.axonIp,
        externalPort: settings.externalPort,
        version: settings.version,
      }),
      withdrawAxon: withdrawAxon(runtime, { identity }),
      workGate: workGate(runtime),
      resources: resourcesMachine.provide({
        actors: { sampleResources: sampleResources(runtime, { dir: parts.dataDir }) },
      }),
      validatorSession: validatorSessionMachine.provide({
        actors: { peerLink: validatorLink(runtime, { desk: createTaskDesk(parts.pool, parts.gate), rules }) },
      }),
    },
  });
};

/** The miner's actor tree, ready to be started. Its root ends with an output that says how it ended. */
export const createMinerSystem = (parts: MinerParts): Actor<typeof minerMachine> => {
  const { settings, identity, log } = parts;
  return createActor(machineOf(parts), {
    id: 'miner',
    systemId: rootId,
    inspect: createObserver({ log, onTransition: () => {}, onInspection: parts.onInspection }),
    input: {
      hotkey: identity.hotkey,
      chainLink: {
        endpoints: settings.chainEndpoints,
        headPatienceMs: settings.headPatienceMs,
        connectPatienceMs: settings.connectTimeoutMs + settings.chainCallTimeoutMs,
        endpointCheckMs: settings.endpointCheckMs,
        readEveryBlocks,
      },
      inferencePool: { slots: settings.workers, drainGraceMs: settings.drainGraceMs },
      rules: rulesOf(settings),
      drainGraceMs: settings.drainGraceMs,
      withdrawAxonOnStop: settings.withdrawAxonOnStop,
    },
  });
};
