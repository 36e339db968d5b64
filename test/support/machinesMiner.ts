import { fromCallback } from 'xstate';

import type { SubnetSnapshot } from '#src/domain/metagraph.ts';
import type { AnnounceAxon, WithdrawAxon } from '#src/machines/axonAnnouncement.ts';
import type { ChainSession, ReadSubnet } from '#src/machines/chainLife.ts';
import { chainLinkMachine } from '#src/machines/chainLink.machine.ts';
import { type InferenceWorkers, inferencePoolMachine } from '#src/machines/inferencePool.machine.ts';
import { minerMachine } from '#src/machines/miner.machine.ts';
import type { Listener, MinerInput, WorkGate } from '#src/machines/minerLife.ts';
import { resourcesMachine, type SampleResources } from '#src/machines/resources.machine.ts';
import { type AcceptValidator, validatorSessionMachine } from '#src/machines/validatorSession.machine.ts';
import { fakeLink, fakeTask, start } from '#test/support/machines.ts';
import { axonAt, neuron, subnetAt } from '#test/support/machinesSubnet.ts';

export const minerInput: MinerInput = {
  hotkey: '5Own',
  chainLink: {
    endpoints: ['ws://one'],
    headPatienceMs: 60_000,
    endpointCheckMs: 60_000,
    readEveryBlocks: 10,
  },
  inferencePool: { slots: 1, drainGraceMs: 20_000 },
  rules: { requirePermit: true, minValidatorStake: 0 },
  drainGraceMs: 30_000,
  withdrawAxonOnStop: false,
};

/** This miner with its axon, and validators with a permit. */
export const registered = subnetAt({
  neurons: [
    neuron(0, '5Other', null),
    neuron(1, '5Own', 8091),
    neuron(2, '5busy', null),
    neuron(3, '5idle', null),
  ],
});
/** What an announcement answers that has succeeded. */
export const announced = { block: 100, axon: axonAt(8091) };
export const unregistered = subnetAt({ neurons: [neuron(0, '5Other', null)] });

/** The whole miner, children included, with every edge answered by hand. */
export const runMiner = (input: MinerInput = minerInput, peerLink?: AcceptValidator) => {
  const chain = fakeLink<ChainSession>();
  const read = fakeTask<ReadSubnet>();
  const workers = fakeLink<InferenceWorkers>();
  const listener = fakeLink<Listener>();
  const announce = fakeTask<AnnounceAxon>();
  const withdraw = fakeTask<WithdrawAxon>();
  const links = fakeLink<AcceptValidator>();
  const gate = fakeLink<WorkGate>();
  const look = fakeTask<SampleResources>();
  const machine = minerMachine.provide({
    actors: {
      chainLink: chainLinkMachine.provide({ actors: { chainSession: chain.logic, readSubnet: read.logic } }),
      inferencePool: inferencePoolMachine.provide({ actors: { inferenceWorkers: workers.logic } }),
      validatorSession: validatorSessionMachine.provide({ actors: { peerLink: peerLink ?? links.logic } }),
      listener: listener.logic,
      announceAxon: announce.logic,
      withdrawAxon: withdraw.logic,
      workGate: gate.logic,
      resources: resourcesMachine.provide({ actors: { sampleResources: look.logic } }),
    },
  });
  const running = start(machine, { input });
  const { actor } = running;
  const linkOf = (arrival: string) => {
    const life = links.lives.find((one) => one.input.arrival === arrival);
    if (life === undefined) throw new Error(`nobody took the arrival ${arrival}`);
    return life;
  };
  return {
    chain,
    read,
    workers,
    listener,
    announce,
    withdraw,
    links,
    gate,
    look,
    linkOf,
    ...running,
    sessions: () => Object.keys(actor.getSnapshot().children).filter((id) => id.startsWith('session/')),
    drain: (reason = 'SIGTERM') => actor.send({ type: 'system.drain', reason }),
    warm: () =>
      workers.newest().emit({ type: 'worker.ready', slot: 0, provider: 'cpu', note: null, loadMs: 1 }),
    openChain: () => actor.send({ type: 'chain.opened', genesisHash: '0xabc' }),
    seeSubnet: (subnet: SubnetSnapshot) => actor.send({ type: 'chain.subnet', subnet }),
    seeBlock: (block: number) =>
      actor.send({ type: 'chain.block', head: { block, blockHash: `0x${block}` } }),
    bind: (port = 8091) => listener.newest().emit({ type: 'listener.bound', port }),
    arrive: (arrival: string) => listener.newest().emit({ type: 'peer.arrived', arrival }),
  };
};

/** Warm, registered and listening; the axon is being announced. */
export const announcing = (peerLink?: AcceptValidator) => {
  const miner = runMiner(minerInput, peerLink);
  miner.warm();
  miner.openChain();
  miner.seeSubnet(registered);
  miner.bind();
  return miner;
};

export const serving = async (peerLink?: AcceptValidator) => {
  const miner = announcing(peerLink);
  await miner.announce.answer({ ok: true, value: announced });
  return miner;
};

/** Every link actor throws as soon as it is started. */
export const withBrokenLinks = () =>
  serving(
    fromCallback(() => {
      throw new Error('a bug');
    }) as AcceptValidator,
  );

/** Two validators with proven hotkeys; one of them is owed an answer. */
export const withSessions = async () => {
  const miner = await serving();
  for (const arrival of ['busy', 'idle']) {
    miner.arrive(arrival);
    miner.linkOf(arrival).emit({ type: 'link.opened', hotkey: `5${arrival}` });
  }
  miner.linkOf('busy').emit({ type: 'link.busy' });
  return miner;
};
