import { describe, expect, it } from 'vitest';

import { isOverdueAt, overdueAfterMs } from '#src/machines/overdue.ts';
import { start, throughJson } from '#test/support/machines.ts';
import { subnetAt } from '#test/support/machinesSubnet.ts';
import { validating, withMiners } from '#test/support/machinesValidator.ts';
import { dueEvent, ended, setAt, weightFakes } from '#test/support/machinesWeights.ts';

const began = (epoch: number, isFirstOfUid = false) =>
  ({ type: 'epoch.began', epoch, isFirstOfUid }) as const;
const overdue = (epoch: number) => ({ type: 'epoch.overdue', epoch }) as const;

/** Epoch 7 has its weights. */
const confirmed = async () => {
  const fakes = weightFakes();
  const running = start(fakes.machine);
  running.actor.send(began(7));
  running.actor.send(dueEvent());
  await fakes.check.answer(setAt(403));
  running.facts.length = 0;
  return { ...fakes, ...running };
};

describe('machines / weightAccounts', () => {
  it('owes nothing for epochs in which the hotkey had lost its uid', async () => {
    const { actor, facts, context } = await confirmed();
    for (const epoch of [12, 12]) {
      actor.send(began(epoch, true));
      actor.send(ended(epoch - 1));
    }
    expect(facts).toEqual([]);
    expect(context()).toMatchObject({ sinceEpoch: 12, behind: 0 });
    actor.send(began(13));
    actor.send(ended(12));
    expect(facts).toEqual([{ type: 'weights.missed', epoch: 12, behind: 1 }]);
  });

  it('owes nothing for epochs before the first one it has seen', () => {
    const { actor, facts } = start(weightFakes().machine);
    actor.send(began(7));
    actor.send(ended(6));
    expect(facts).toEqual([]);
    actor.send(began(8));
    actor.send(ended(7));
    expect(facts).toEqual([{ type: 'weights.missed', epoch: 7, behind: 1 }]);
  });

  it('counts every epoch that went by while the process was down', async () => {
    const before = await confirmed();
    const { actor, facts } = start(weightFakes().machine, { snapshot: throughJson(before.actor) });
    actor.send(began(13));
    actor.send(ended(12));
    actor.send(ended(12));
    expect(facts).toEqual([{ type: 'weights.missed', epoch: 12, behind: 5 }]);
  });

  it('counts on from what it knew to be missed', async () => {
    const { actor, facts } = await confirmed();
    actor.send(ended(8));
    actor.send(ended(11));
    expect(facts.map(({ epoch, behind }) => [epoch, behind])).toEqual([
      [8, 1],
      [11, 4],
    ]);
  });

  it('counts the epochs after the one whose weights were in hand', async () => {
    const { actor, facts } = await confirmed();
    actor.send(dueEvent(8));
    actor.send(ended(10));
    expect(facts).toEqual([{ type: 'weights.missed', epoch: 10, behind: 3 }]);
  });

  it('raises the alarm once for an epoch past its end that nobody can read, and then says what became of it', async () => {
    const { actor, facts } = await confirmed();
    actor.send(overdue(7));
    expect(facts).toEqual([]);
    actor.send(overdue(8));
    actor.send(overdue(8));
    expect(facts).toEqual([{ type: 'weights.overdue', epoch: 8, behind: 1 }]);
    actor.send(ended(8));
    expect(facts.at(-1)).toEqual({ type: 'weights.missed', epoch: 8, behind: 1 });
  });
});

describe('machines / overdue', () => {
  it('waits some blocks past the end of an epoch', () => {
    const subnet = subnetAt({ block: 440, nextEpochBlock: 450 });
    expect(isOverdueAt(subnet, 454)).toBe(false);
    expect(isOverdueAt(subnet, 455)).toBe(true);
  });

  it('waits by the clock where no blocks arrive, never beyond what a timer can hold', () => {
    expect(overdueAfterMs(subnetAt({ block: 440, nextEpochBlock: 450 }))).toBe(10 * 12_000 + 300_000);
    expect(overdueAfterMs(subnetAt({ nextEpochBlock: Number.MAX_SAFE_INTEGER }))).toBe(2 ** 31 - 1);
    expect(overdueAfterMs(null)).toBe(300_000);
  });
});

type Supervisor = { readonly getSnapshot: () => { readonly children: Record<string, unknown> } };
type Weights = {
  readonly getSnapshot: () => {
    readonly context: { readonly overdueEpoch: number | null; readonly block: number };
  };
};

/** Context of the weight-setting that lives under a validator. */
const weightsOf = (actor: Supervisor) =>
  (actor.getSnapshot().children['weightSetting'] as Weights).getSnapshot().context;

describe('machines / validator accounts for epochs', () => {
  it('counts epochs that went by while the chain was away', async () => {
    const { seeSubnet, context } = await validating();
    seeSubnet(
      withMiners(
        { '5A': 1, '5B': 1 },
        { epochIndex: 10, block: 1_171, lastEpochBlock: 1_170, nextEpochBlock: 1_530 },
      ),
    );
    expect(context().behind).toBe(3);
  });

  it('notices by the clock, and by blocks, that an epoch ended which it cannot read', async () => {
    const byClock = await validating();
    const byBlocks = await validating();
    const overdueEpoch = ({ actor }: typeof byClock) => weightsOf(actor).overdueEpoch;
    byClock.clock.increment(overdueAfterMs(withMiners({})) - 1);
    expect(overdueEpoch(byClock)).toBeNull();
    byClock.clock.increment(1);
    expect(overdueEpoch(byClock)).toBe(7);
    byBlocks.seeBlock(454);
    expect(overdueEpoch(byBlocks)).toBeNull();
    byBlocks.seeBlock(455);
    expect(overdueEpoch(byBlocks)).toBe(7);
  });

  it('waits anew after each metagraph', async () => {
    const { clock, seeSubnet, actor } = await validating();
    const patienceMs = overdueAfterMs(withMiners({}));
    clock.increment(patienceMs - 1);
    seeSubnet(withMiners({ '5A': 1, '5B': 1 }));
    clock.increment(patienceMs - 1);
    expect(weightsOf(actor).overdueEpoch).toBeNull();
  });

  it('tells weight-setting in which epoch the hotkey got its uid back', async () => {
    const { seeSubnet, actor, facts } = await validating();
    seeSubnet(subnetAt({}));
    const miners = withMiners({ '5A': 1, '5B': 1 });
    const neurons = miners.neurons.map((one) => ({ ...one, blockAtRegistration: 3_400 }));
    seeSubnet({ ...miners, neurons, epochIndex: 16, block: 3_410, lastEpochBlock: 3_330 });
    expect(facts.map(({ type }) => type)).not.toContain('weights.missed');
    expect(weightsOf(actor)).toMatchObject({ sinceEpoch: 16 });
  });

  it('tells weight-setting of a new connection', async () => {
    const { actor, seeBlock } = await validating();
    seeBlock(300);
    actor.send({ type: 'chain.opened', genesisHash: '0xabc' });
    expect(weightsOf(actor).block).toBe(0);
  });
});
