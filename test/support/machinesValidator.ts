import type { SubnetSnapshot } from '#src/domain/metagraph.ts';
import { succeed } from '#src/domain/outcome.ts';
import { noOutcomes, type RequestTotals } from '#src/domain/requestAccount.ts';
import type { ChainSession, ReadSubnet } from '#src/machines/chainLife.ts';
import { chainLinkMachine } from '#src/machines/chainLink.machine.ts';
import { epochMachine, type ScoreEpoch } from '#src/machines/epoch.machine.ts';
import { type DialMiner, minerSessionMachine } from '#src/machines/minerSession.machine.ts';
import { resourcesMachine, type SampleResources } from '#src/machines/resources.machine.ts';
import {
  type ArchiveEvidence,
  type DropEvidence,
  retentionMachine,
} from '#src/machines/retention.machine.ts';
import { type Cohort, type PlanRound, roundMachine } from '#src/machines/round.machine.ts';
import { type ProbeStore, type StoreWatch, storeHealthMachine } from '#src/machines/storeHealth.machine.ts';
import { validatorMachine } from '#src/machines/validator.machine.ts';
import type { PrepareValidator, ValidatorInput } from '#src/machines/validatorLife.ts';
import { weightRevealMachine } from '#src/machines/weightReveal.machine.ts';
import type { ReadReveals } from '#src/machines/weightReveals.ts';
import { fakeLink, fakeTask, start } from '#test/support/machines.ts';
import { neuron, subnetAt } from '#test/support/machinesSubnet.ts';
import { weightFakes } from '#test/support/machinesWeights.ts';

export const validatorInput: ValidatorInput = {
  hotkey: '5Own',
  chainLink: {
    endpoints: ['ws://one'],
    headPatienceMs: 60_000,
    endpointCheckMs: 60_000,
    readEveryBlocks: 10,
  },
  maxSessions: 256,
  dueAfterFraction: 0.5,
  roundDeadlineMs: 20_000,
  roundIntervalMs: 5_000,
  drainGraceMs: 30_000,
};

const roundSummary: RequestTotals = {
  ...noOutcomes,
  dispatched: 2,
  judged: 2,
};

/** A metagraph with our validator, and a miner for each name and port. */
export const withMiners = (
  ports: Readonly<Record<string, number>>,
  given: Partial<SubnetSnapshot> = {},
): SubnetSnapshot => {
  const miners = Object.entries(ports).map(([hotkey, port], index) => neuron(index + 1, hotkey, port));
  return subnetAt({ neurons: [neuron(0, '5Own', null), ...miners], ...given });
};

/** The whole validator, children included, with every edge answered by hand. */
export const runValidator = (minerSession = minerSessionMachine) => {
  const prepare = fakeTask<PrepareValidator>();
  const chain = fakeLink<ChainSession>();
  const read = fakeTask<ReadSubnet>();
  const plan = fakeTask<PlanRound>();
  const cohort = fakeLink<Cohort>();
  const score = fakeTask<ScoreEpoch>();
  const links = fakeLink<DialMiner>();
  const weights = weightFakes();
  const reveals = fakeTask<ReadReveals>();
  const watch = fakeLink<StoreWatch>();
  const probe = fakeTask<ProbeStore>();
  const look = fakeTask<SampleResources>();
  const archive = fakeTask<ArchiveEvidence>();
  const drop = fakeTask<DropEvidence>();
  const round = roundMachine.provide({ actors: { planRound: plan.logic, cohort: cohort.logic } });
  const machine = validatorMachine.provide({
    actors: {
      prepareValidator: prepare.logic,
      chainLink: chainLinkMachine.provide({ actors: { chainSession: chain.logic, readSubnet: read.logic } }),
      epoch: epochMachine.provide({ actors: { round, scoreEpoch: score.logic } }),
      minerSession: minerSession.provide({ actors: { peerLink: links.logic } }),
      weightSetting: weights.machine,
      weightReveal: weightRevealMachine.provide({ actors: { readReveals: reveals.logic } }),
      storeHealth: storeHealthMachine.provide({
        actors: { storeWatch: watch.logic, probeStore: probe.logic },
      }),
      resources: resourcesMachine.provide({ actors: { sampleResources: look.logic } }),
      retention: retentionMachine.provide({
        actors: { archiveEvidence: archive.logic, dropEvidence: drop.logic },
      }),
    },
  });
  const running = start(machine, { input: validatorInput });
  const { actor } = running;
  /** The live link to a miner. */
  const linkTo = (hotkey: string) => {
    const live = links.lives.findLast((life) => life.input.hotkey === hotkey);
    if (live === undefined) throw new Error(`${hotkey} was never dialled`);
    return live;
  };
  return {
    prepare,
    chain,
    read,
    plan,
    cohort,
    score,
    links,
    weights,
    reveals,
    watch,
    look,
    archive,
    linkTo,
    ...running,
    children: () => Object.keys(actor.getSnapshot().children).toSorted(),
    drain: (reason = 'SIGTERM') => actor.send({ type: 'system.drain', reason }),
    seeSubnet: (subnet: SubnetSnapshot) => actor.send({ type: 'chain.subnet', subnet }),
    seeBlock: (block: number) =>
      actor.send({ type: 'chain.block', head: { block, blockHash: `0x${block}` } }),
    openLink: (hotkey: string) => linkTo(hotkey).emit({ type: 'link.opened', kinds: [] }),
    planRound: () => plan.answer(succeed({ roundId: `r${plan.calls.length}`, cohort: 2, tasks: 1 })),
    settleRound: () => cohort.newest().emit({ type: 'cohort.settled', summary: roundSummary }),
  };
};

/** Booted, registered in epoch 7, with two miners that were dialled. */
export const validating = async () => {
  const validator = runValidator();
  await validator.prepare.answer(succeed({ resumableRounds: 0, lostRounds: 0, unbalanced: [] }));
  validator.seeSubnet(withMiners({ '5A': 1, '5B': 1 }));
  return validator;
};

/** The same with both links open and a first round planned. */
export const inRound = async () => {
  const validator = await validating();
  validator.openLink('5A');
  validator.openLink('5B');
  await validator.planRound();
  return validator;
};
