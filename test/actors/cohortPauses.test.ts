import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { cohort } from '#src/actors/cohort.actor.ts';
import { appendEvidence } from '#src/actors/evidenceLog.ts';
import type { Devnet } from '#src/devnet/node.ts';
import type { RoundPlanned } from '#src/domain/evidence.ts';
import { startSubnet } from '#test/chain/devnetFixture.ts';
import {
  dataFolder,
  evidenceOnDisk,
  followChain,
  type Host,
  hostLink,
  openValidatorLife,
  recordsOf,
  type ValidatorLife,
} from '#test/support/actors.ts';
import { linkMiner, planFor, respondTo, type ScriptedMiner, taskAt } from '#test/support/actorsMiners.ts';
import { identityOfUri, until } from '#test/support/peers.ts';

/** As a stopped process: nothing runs, and what peers sent meanwhile waits in the kernel. */
const stopFor = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};
const nobody = { judged: 0, invalid: 0, refused: 0, missed: 0, late: 0, unreachable: 0, lost: 0 };

describe('actors / cohort of a process that did not run', () => {
  const folder = dataFolder();
  let devnet: Devnet;
  let life: ValidatorLife;
  let miners: readonly ScriptedMiner[] = [];

  beforeAll(async () => {
    devnet = await startSubnet({ sealing: 'manual' });
    life = await openValidatorLife(folder.dir);
    await followChain(life.runtime, devnet.url);
    miners = await Promise.all(['//P0', '//P1'].map((uri) => linkMiner(life, uri)));
  });
  afterAll(async () => {
    await life.end();
    await Promise.all(miners.map(({ vanish }) => vanish()));
    await devnet.stop();
    folder.remove();
  });

  const begin = async (plan: RoundPlanned): Promise<Host> => {
    await life.runtime.runPromise(appendEvidence([plan]));
    life.book.plans.set(plan.roundId, plan);
    return hostLink(cohort(life.runtime), { roundId: plan.roundId });
  };
  const expire = async (host: Host) => {
    host.tell({ type: 'round.expire' });
    return (await host.event('cohort.settled'))['summary'];
  };

  it('takes that time from no answer, and blames nobody for what it did not see', async () => {
    const deadlineMs = 1_000;
    const plan = { ...planFor({ hotkeys: miners.map(({ hotkey }) => hotkey) }), deadlineMs };
    const [first, second] = miners;
    if (first === undefined || second === undefined) throw new Error('two miners');
    first.onTasks = ({ tasks }) => {
      for (const [index, { id }] of tasks.entries()) {
        respondTo({ of: first, other: second, id, task: taskAt(plan, index), reply: 'right' });
      }
    };
    second.onTasks = () => {};
    const host = await begin(plan);
    await host.event('cohort.dispatched');
    stopFor(2 * deadlineMs);
    await until(
      () => host.events.some(({ type, judged }) => type === 'cohort.progress' && judged === 2),
      'both answers',
    );
    expect(await expire(host)).toEqual({ ...nobody, dispatched: 4, judged: 2, lost: 2 });
    const verdicts = recordsOf(await evidenceOnDisk(folder.dir), 'answer.judged');
    const times = verdicts.flatMap(({ responseMs }) => (responseMs === null ? [] : [responseMs]));
    expect(times).toHaveLength(2);
    for (const responseMs of times) expect(responseMs).toBeLessThan(deadlineMs);
  });

  it('blames nobody whose link breaks by that', async () => {
    const gone = await linkMiner(life, '//P2');
    stopFor(1_200);
    await gone.vanish();
    await until(() => !life.table.links.has(gone.hotkey), 'the end of the link');
    const host = await begin(planFor({ hotkeys: [gone.hotkey] }));
    await host.event('cohort.complete');
    expect(await expire(host)).toEqual({ ...nobody, dispatched: 2, lost: 2 });
  });

  it('does not excuse a miner that had no link before', async () => {
    stopFor(1_200);
    const host = await begin(planFor({ hotkeys: [identityOfUri('//NeverThere').hotkey] }));
    await host.event('cohort.complete');
    expect(await expire(host)).toEqual({ ...nobody, dispatched: 2, unreachable: 2 });
  });
});
