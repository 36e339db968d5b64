import { describe, expect, it } from 'vitest';

import { delays } from '#src/machines/delays.ts';
import {
  type ArchiveEvidence,
  type DropEvidence,
  retentionMachine,
} from '#src/machines/retention.machine.ts';
import { done, fakeTask, reachedStates, start, stateIds, timeout } from '#test/support/machines.ts';

const stretch = { firstSeq: 1, lastSeq: 40, records: 38, file: 'evidence-1-40.jsonl.gz' };
const failure = { _tag: 'StoreUnavailable', message: 'no room' } as const;
const due = (epoch: number) => ({ type: 'retention.due', epoch }) as const;

const run = () => {
  const archive = fakeTask<ArchiveEvidence>();
  const drop = fakeTask<DropEvidence>();
  const machine = retentionMachine.provide({
    actors: { archiveEvidence: archive.logic, dropEvidence: drop.logic },
  });
  return { archive, drop, ...start(machine) };
};

describe('machines / retention', () => {
  it('reaches every state', () => {
    const events = [
      due(4),
      done('archiveEvidence', { ok: true, value: stretch }),
      done('archiveEvidence', { ok: true, value: null }),
      done('archiveEvidence', { ok: false, error: failure }),
      done('dropEvidence', { ok: true, value: { dropped: 38 } }),
      done('dropEvidence', { ok: false, error: failure }),
      timeout('retentionPause', 'retention.pausing'),
    ];
    expect(reachedStates(retentionMachine, { events })).toEqual(stateIds(retentionMachine));
  });

  it('drops nothing before its file is written, and goes on until nothing is too old', async () => {
    const { archive, drop, actor, facts, value } = run();
    actor.send(due(9));
    expect(value()).toBe('archiving');
    expect(archive.calls).toEqual([{ epoch: 9 }]);
    expect(drop.calls).toEqual([]);
    await archive.answer({ ok: true, value: stretch });
    expect(drop.calls).toEqual([{ upTo: 40 }]);
    actor.send(due(10));
    await drop.answer({ ok: true, value: { dropped: 38 } });
    expect(facts).toEqual([{ type: 'evidence.archived', ...stretch }]);
    expect(archive.calls).toEqual([{ epoch: 9 }, { epoch: 10 }]);
    await archive.answer({ ok: true, value: null });
    expect(value()).toBe('idle');
    expect(drop.calls).toHaveLength(1);
  });

  it('keeps evidence while the disk refuses, says so, and tries again', async () => {
    const { archive, drop, actor, facts, value, clock } = run();
    actor.send(due(9));
    await archive.answer({ ok: false, error: failure });
    expect(value()).toBe('pausing');
    expect(facts).toEqual([{ type: 'evidence.kept', failure }]);
    clock.increment(delays.retentionPauseMs);
    await archive.answer({ ok: true, value: stretch });
    await drop.answer({ ok: false, error: failure });
    expect(value()).toBe('pausing');
    expect(facts).toHaveLength(2);
    clock.increment(delays.retentionPauseMs);
    expect(archive.calls).toHaveLength(3);
  });
});
