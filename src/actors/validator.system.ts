import { type Actor, createActor, type InspectionEvent } from 'xstate';
import type { Netuid } from '../domain/ids.ts';
import type { ScoringPolicy } from '../domain/scoring.ts';
import type { TaskKind } from '../domain/tasks/kinds.ts';
import type { Identity } from '../keys/identity.ts';
import type { Logger } from '../logging.ts';
import { chainLinkMachine } from '../machines/chainLink.machine.ts';
import { epochMachine } from '../machines/epoch.machine.ts';
import { minerSessionMachine } from '../machines/minerSession.machine.ts';
import { resourcesMachine } from '../machines/resources.machine.ts';
import { retentionMachine } from '../machines/retention.machine.ts';
import { rootId } from '../machines/root.ts';
import { roundMachine } from '../machines/round.machine.ts';
import { storeHealthMachine } from '../machines/storeHealth.machine.ts';
import { validatorMachine } from '../machines/validator.machine.ts';
import { weightRevealMachine } from '../machines/weightReveal.machine.ts';
import { weightSettingMachine } from '../machines/weightSetting.machine.ts';
import { defaultLinkLimits } from '../transport/limits.ts';
import type { CheckChain } from './chainIdentity.ts';
import { chainSession, readSubnet } from './chainSession.actor.ts';
import { cohort } from './cohort.actor.ts';
import { endpointWatch } from './compareHeights.actor.ts';
import type { ValidatorRuntime } from './layers.ts';
import { minerLink } from './minerLink.actor.ts';
import { createObserver } from './observer.ts';
import { planRound } from './planRound.actor.ts';
import { prepareValidator } from './prepareValidator.actor.ts';
import { readReveals } from './readReveals.actor.ts';
import { sampleResources } from './resourceWatch.actor.ts';
import { archiveEvidence, dropEvidence } from './retention.actor.ts';
import { scoreEpoch } from './scoreEpoch.actor.ts';
import { type RestorableSnapshot, restoring } from './snapshots.ts';
import { snapshotWriter } from './snapshotWriter.ts';
import { probeStore, storeWatch } from './storeWatch.actor.ts';
import { checkWeights, findInclusion, prepareWeights, submitWeights } from './submitWeights.actor.ts';
import { settleUnfinished } from './unfinishedRounds.ts';

export type ValidatorSettings = {
  readonly netuid: Netuid;
  readonly chainEndpoints: readonly string[];
  readonly connectTimeoutMs: number;
  readonly chainCallTimeoutMs: number;
  readonly headPatienceMs: number;
  readonly endpointCheckMs: number;
  readonly drainGraceMs: number;
  readonly taskKinds: readonly TaskKind[];
  readonly tasksPerRound: number;
  readonly cohortSize: number;
  readonly roundDeadlineMs: number;
  readonly roundIntervalMs: number;
  readonly maxLinks: number;
  readonly versionKey: number;
  readonly weightsDueAfterFraction: number;
  readonly policy: ScoringPolicy;
  readonly keepEpochs: number;
};

export type ValidatorParts = {
  readonly settings: ValidatorSettings;
  readonly identity: Identity;
  readonly runtime: ValidatorRuntime;
  readonly log: Logger;
  readonly checkChain: CheckChain;
  /** Folder whose file system must have room. */
  readonly dataDir: string;
  /** Identity of the store, which its archive names too. */
  readonly owner: string;
  /** Persisted machines of an earlier life, by actor id. */
  readonly snapshots: ReadonlyMap<string, RestorableSnapshot>;
  /** Sees all that the system tells of itself; see `ObserverOptions`. */
  readonly onInspection?: ((inspected: InspectionEvent) => void) | undefined;
};

/** The metagraph is read at least every so many blocks: two minutes on finney. */
const readEveryBlocks = 10;

const reportUnusable =
  (log: Logger, actor: string) =>
  (reason: unknown): void => {
    log.warn(
      { event: 'snapshot.unusable', actor, reason: String(reason) },
      'a persisted machine is in a state this version does not have; it starts afresh',
    );
  };

const epochOf = (parts: ValidatorParts) => {
  const { runtime, settings, identity } = parts;
  const round = roundMachine.provide({
    actors: {
      planRound: planRound(runtime, {
        tasksPerRound: settings.tasksPerRound,
        cohortSize: settings.cohortSize,
        kinds: settings.taskKinds,
        policy: settings.policy,
      }),
      cohort: cohort(runtime),
    },
  });
  const machine = epochMachine.provide({
    actors: {
      round,
      scoreEpoch: scoreEpoch(runtime, {
        hotkey: identity.hotkey,
        policy: settings.policy,
        maxMiners: settings.maxLinks,
      }),
    },
  });
  const isSameEpoch = (snapshot: RestorableSnapshot, input: unknown): boolean =>
    typeof input === 'object' &&
    input !== null &&
    'epoch' in input &&
    snapshot.context?.epoch === input.epoch;
  return restoring(machine, parts.snapshots.get('epoch'), {
    fits: isSameEpoch,
    // Settings, candidates and the present block are those of this start; rounds and vector those of the epoch.
    renew: (input) => (typeof input === 'object' && input !== null ? input : {}),
    onUnusable: reportUnusable(parts.log, 'epoch'),
  });
};

const weightSettingOf = (parts: ValidatorParts) => {
  const { runtime, settings, identity } = parts;
  const rules = { identity, versionKey: settings.versionKey };
  const machine = weightSettingMachine.provide({
    actors: {
      checkWeights: checkWeights(runtime, rules),
      prepareWeights: prepareWeights(runtime, rules),
      submitWeights: submitWeights(runtime),
      findInclusion: findInclusion(runtime),
    },
  });
  return restoring(machine, parts.snapshots.get('weightSetting'), {
    fits: () => true,
    // The first head of this start says which block it is.
    renew: () => ({ block: 0 }),
    onUnusable: reportUnusable(parts.log, 'weightSetting'),
  });
};

const weightRevealOf = (parts: ValidatorParts) => {
  const machine = weightRevealMachine.provide({
    actors: { readReveals: readReveals(parts.runtime, parts.identity) },
  });
  return restoring(machine, parts.snapshots.get('weightReveal'), {
    fits: () => true,
    // A commit that the last life found but could not hand over is looked for once in each life.
    renew: () => ({ block: 0, isRecalled: false }),
    onUnusable: reportUnusable(parts.log, 'weightReveal'),
  });
};

const retentionOf = ({ runtime, settings, dataDir, owner }: ValidatorParts) =>
  retentionMachine.provide({
    actors: {
      archiveEvidence: archiveEvidence(runtime, { keepEpochs: settings.keepEpochs, dataDir, owner }),
      dropEvidence: dropEvidence(runtime),
    },
  });

const machineOf = (parts: ValidatorParts) => {
  const { runtime, settings, identity } = parts;
  return validatorMachine.provide({
    actors: {
      prepareValidator: prepareValidator(runtime),
      chainLink: chainLinkMachine.provide({
        actors: {
          chainSession: chainSession(runtime, {
            netuid: settings.netuid,
            connectMs: settings.connectTimeoutMs,
            callMs: settings.chainCallTimeoutMs,
            checkChain: parts.checkChain,
          }),
          readSubnet: readSubnet(runtime),
          endpointWatch: endpointWatch(runtime, settings),
        },
      }),
      epoch: epochOf(parts),
      weightSetting: weightSettingOf(parts),
      weightReveal: weightRevealOf(parts),
      storeHealth: storeHealthMachine.provide({
        actors: { storeWatch: storeWatch(runtime), probeStore: probeStore(runtime) },
      }),
      resources: resourcesMachine.provide({
        actors: { sampleResources: sampleResources(runtime, { dir: parts.dataDir }) },
      }),
      retention: retentionOf(parts),
      minerSession: minerSessionMachine.provide({
        actors: {
          peerLink: minerLink(runtime, { identity, netuid: settings.netuid, limits: defaultLinkLimits }),
        },
      }),
    },
  });
};

/** The validator's actor tree, ready to be started. Its root ends with an output that says how it ended. */
export const createValidatorSystem = (
  parts: ValidatorParts,
): { readonly root: Actor<typeof validatorMachine>; readonly flush: () => Promise<void> } => {
  const { settings, identity, log } = parts;
  const writer = snapshotWriter({
    run: (effect) => parts.runtime.runPromise(effect),
    onFailure: (failure) =>
      log.warn({ event: 'snapshot.failed', failure }, 'a machine could not be persisted'),
  });
  const root = createActor(machineOf(parts), {
    id: 'validator',
    systemId: rootId,
    inspect: createObserver({
      log,
      onTransition: writer.onTransition,
      onInspection: parts.onInspection,
    }),
    input: {
      hotkey: identity.hotkey,
      chainLink: {
        endpoints: settings.chainEndpoints,
        headPatienceMs: settings.headPatienceMs,
        connectPatienceMs: settings.connectTimeoutMs + settings.chainCallTimeoutMs,
        endpointCheckMs: settings.endpointCheckMs,
        readEveryBlocks,
      },
      maxSessions: settings.maxLinks,
      dueAfterFraction: settings.weightsDueAfterFraction,
      roundDeadlineMs: settings.roundDeadlineMs,
      roundIntervalMs: settings.roundIntervalMs,
      drainGraceMs: settings.drainGraceMs,
    },
  });
  const flush = async (): Promise<void> => {
    await writer.flush();
    if (root.getSnapshot().output?.exit === 'drained') await parts.runtime.runPromise(settleUnfinished());
  };
  return { root, flush };
};
