import { describe, expect, it } from 'vitest';
import { createActor, fromPromise, SimulatedClock } from 'xstate';

import type { StoreFailure } from '#src/domain/failures.ts';
import { fail, type Outcome, succeed } from '#src/domain/outcome.ts';
import { createRandom } from '#src/domain/random.ts';
import { rootId } from '#src/machines/root.ts';
import { writerLeaseMachine } from '#src/machines/writerLease.machine.ts';
import type {
  HeldLease,
  LeaseReading,
  ReadLease,
  ReleaseLease,
  RenewLease,
  TakeLease,
  WriterLease,
} from '#src/machines/writerLeaseSetup.ts';
import { done, fakeTask, reachedStates, settled, start, stateIds, timeout } from '#test/support/machines.ts';

const leaseMs = 10_000;
const input = { holder: 'me', leaseMs };
const lease = (given: Partial<WriterLease> = {}): WriterLease => ({
  name: 'writer',
  token: 4,
  holder: 'other',
  beat: 7,
  ...given,
});
const seen = (given: Partial<WriterLease> | null, isHolderDead = false): Outcome<LeaseReading, never> =>
  succeed({ lease: given === null ? null : lease(given), isHolderDead, holderLeaseMs: null });
const held = (beat: number, tookMs = 5) =>
  succeed({ lease: lease({ token: 5, holder: 'me', beat }), tookMs });
const failure: StoreFailure = { _tag: 'StoreUnavailable', message: 'no answer' };
const fenced = fail({ _tag: 'StoreFenced', message: 'token 6 is stored' } as const);
const conflict = fail({ _tag: 'Conflict', message: 'the holder lives' } as const);

const run = () => {
  const read = fakeTask<ReadLease>();
  const take = fakeTask<TakeLease>();
  const renew = fakeTask<RenewLease>();
  const release = fakeTask<ReleaseLease>();
  const machine = writerLeaseMachine.provide({
    actors: {
      readLease: read.logic,
      takeLease: take.logic,
      renewLease: renew.logic,
      releaseLease: release.logic,
    },
  });
  const running = start(machine, { input });
  const types = (): readonly string[] => running.facts.map(({ type }) => type);
  const output = () => running.actor.getSnapshot().output;
  return { read, take, renew, release, types, output, ...running };
};
type Run = ReturnType<typeof run>;

const standBy = async (): Promise<Run> => {
  const running = run();
  await running.read.answer(seen({}));
  return running;
};
const hold = async (): Promise<Run> => {
  const running = run();
  await running.read.answer(seen(null));
  await running.take.answer(held(1));
  return running;
};
/** A simulated clock must not be moved further at once than the delay under test. */
const pass = (clock: SimulatedClock, ms: number): void => {
  for (let left = ms; left > 0; left -= 100) clock.increment(Math.min(100, left));
};

describe('machines / writerLease', () => {
  it('reaches every state', () => {
    const events = [
      done('readLease', seen(null)),
      done('readLease', seen({})),
      done('readLease', fail(failure)),
      done('takeLease', held(1)),
      done('renewLease', fail(failure)),
      done('renewLease', fenced),
      done('releaseLease', succeed(undefined)),
      { type: 'xstate.error.actor.renewLease', actorId: 'renewLease', error: new Error('a bug') },
      timeout('pollPause', 'writerLease.waiting.standingBy.pausing'),
      timeout('renewPause', 'writerLease.holding.sure.resting'),
      timeout('doubt', 'writerLease.holding.sure'),
      { type: 'lease.release' },
    ];
    expect(reachedStates(writerLeaseMachine, { input, events })).toEqual(
      [
        ...stateIds(writerLeaseMachine).filter((id) => !id.endsWith('uncertain.resting')),
        'writerLease.holding.uncertain.resting',
      ].toSorted(),
    );
  });

  it('takes what nobody holds at once', async () => {
    const { take, types, value } = await hold();
    expect(take.calls).toEqual([{ holder: 'me', over: null }]);
    expect(types()).toEqual(['lease.taken']);
    expect(value()).toEqual({ holding: { sure: 'resting' } });
  });

  it('stands by while another one beats, and says so once', async () => {
    const { read, take, clock, types, value } = await standBy();
    for (let beat = 8; beat < 30; beat += 1) {
      pass(clock, leaseMs / 10);
      await read.answer(seen({ beat }));
      pass(clock, leaseMs / 2);
      await read.answer(seen({ beat }));
    }
    expect(value()).toEqual({ waiting: { standingBy: 'pausing' } });
    expect(take.calls).toEqual([]);
    expect(types()).toEqual(['lease.standingBy']);
  });

  it('takes over what has not moved for three quarters of the lease time, and not before', async () => {
    const { read, take, clock } = await standBy();
    for (let polls = 0; polls < 7; polls += 1) {
      pass(clock, leaseMs / 10);
      await read.answer(seen({}));
    }
    expect(take.calls).toEqual([]);
    pass(clock, leaseMs / 20);
    expect(take.calls).toEqual([{ holder: 'me', over: lease() }]);
  });

  it('waits as long as the holder says it may be silent, where that is longer', async () => {
    const { read, take, clock } = run();
    await read.answer(succeed({ lease: lease(), isHolderDead: false, holderLeaseMs: 3 * leaseMs }));
    for (let polls = 0; polls < 22; polls += 1) {
      pass(clock, leaseMs / 10);
      await read.answer(
        seen({ ...lease() }).ok
          ? succeed({ lease: lease(), isHolderDead: false, holderLeaseMs: 3 * leaseMs })
          : fail(failure),
      );
    }
    expect(take.calls).toEqual([]);
    pass(clock, leaseMs / 20);
    expect(take.calls).toHaveLength(1);
  });

  it.each([
    ['was released', seen({ holder: null })],
    ['is that of a dead process', seen({}, true)],
  ])('does not wait for a lease that %s', async (_what, sight) => {
    const { read, take, clock } = await standBy();
    pass(clock, leaseMs / 10);
    await read.answer(sight);
    expect(take.calls).toHaveLength(1);
  });

  it('goes back to standing by when somebody else was first', async () => {
    const { read, take, clock, value } = await standBy();
    pass(clock, leaseMs / 10);
    await read.answer(seen({}, true));
    await take.answer(conflict);
    await read.answer(seen({ token: 5, holder: 'third' }));
    expect(value()).toEqual({ waiting: { standingBy: 'pausing' } });
  });

  it('concludes nothing from beats it could not see', async () => {
    const { read, take, clock, types, value } = await standBy();
    pass(clock, leaseMs / 10);
    for (let polls = 0; polls < 20; polls += 1) {
      await read.answer(fail(failure));
      expect(value()).toEqual({ waiting: 'blind' });
      pass(clock, leaseMs / 10);
    }
    await read.answer(seen({}));
    pass(clock, leaseMs / 10);
    await read.answer(seen({}));
    expect(take.calls).toEqual([]);
    expect(types()).toEqual(['lease.standingBy', 'lease.unreadable']);
  });

  it('does not wait for ever for a look', async () => {
    const { read, clock, types, value } = run();
    pass(clock, leaseMs / 2);
    expect(value()).toEqual({ waiting: 'blind' });
    expect([types(), read.aborted()]).toEqual([['lease.unreadable'], 1]);
  });

  it('finds a lease that it took without hearing so, and doubts it until it is renewed', async () => {
    const { read, take, renew, clock, types, value } = await standBy();
    pass(clock, leaseMs / 10);
    await read.answer(seen({}, true));
    pass(clock, leaseMs);
    expect(take.aborted()).toBe(1);
    await read.answer(seen({ token: 5, holder: 'me', beat: 0 }));
    clock.increment(1);
    expect(value()).toEqual({ holding: { uncertain: 'renewing' } });
    await renew.answer(held(1));
    expect(value()).toEqual({ holding: { sure: 'resting' } });
    expect(types()).toEqual(['lease.standingBy', 'lease.uncertain', 'lease.sure']);
  });

  it('renews five times in a lease time', async () => {
    const { renew, clock, value } = await hold();
    for (let beat = 2; beat < 12; beat += 1) {
      pass(clock, leaseMs / 5);
      expect(renew.calls.at(-1)).toEqual({ lease: lease({ token: 5, holder: 'me', beat: beat - 1 }) });
      await renew.answer(held(beat));
    }
    expect(value()).toEqual({ holding: { sure: 'resting' } });
  });

  it('doubts before a standby may take over, counted from before the last renewal was asked for', async () => {
    const { renew, clock, types, value } = await hold();
    pass(clock, leaseMs / 5);
    await renew.answer(held(2, 4_000));
    pass(clock, 1_900);
    expect(types()).toEqual(['lease.taken']);
    pass(clock, 100);
    expect(types()).toEqual(['lease.taken', 'lease.uncertain']);
    expect(value()).toEqual({ holding: { uncertain: 'renewing' } });
  });

  it('goes on with the same token when a store that nobody reached is back', async () => {
    const { renew, clock, types, value } = await hold();
    for (let attempts = 0; attempts < 30; attempts += 1) {
      pass(clock, leaseMs / 5);
      await renew.answer(fail(failure));
    }
    expect(types()).toEqual(['lease.taken', 'lease.uncertain']);
    pass(clock, leaseMs / 10);
    await renew.answer(held(2));
    expect(types()).toEqual(['lease.taken', 'lease.uncertain', 'lease.sure']);
    expect(value()).toEqual({ holding: { sure: 'resting' } });
  });

  it('is not sure of a renewal whose answer came late', async () => {
    const { renew, clock, value } = await hold();
    pass(clock, leaseMs);
    await renew.answer(held(2, 7_000));
    expect(value()).toEqual({ holding: { uncertain: 'resting' } });
  });

  it.each([0, leaseMs])('ends when another token is stored, %i ms after the last renewal', async (ms) => {
    const { renew, clock, types, output } = await hold();
    pass(clock, Math.max(ms, leaseMs / 5));
    await renew.answer(fenced);
    expect(types().at(-1)).toBe('lease.lost');
    expect(output()).toMatchObject({ end: 'lost', reason: expect.stringContaining('another process') });
  });

  it('gives the lease up, and does not wait for ever for that', async () => {
    const first = await hold();
    first.actor.send({ type: 'lease.release' });
    expect(first.release.calls).toEqual([{ lease: lease({ token: 5, holder: 'me', beat: 1 }) }]);
    await first.release.answer(succeed(undefined));
    expect(first.output()).toMatchObject({ end: 'released' });
    const second = await hold();
    second.actor.send({ type: 'lease.release' });
    pass(second.clock, 2_000);
    expect(second.output()).toMatchObject({ end: 'released' });
  });

  it('stops waiting when it is told to, and gives up what it was about to take', async () => {
    const waiting = await standBy();
    waiting.actor.send({ type: 'lease.release' });
    expect(waiting.output()).toMatchObject({ end: 'withdrawn' });
    const taking = run();
    await taking.read.answer(seen(null));
    taking.actor.send({ type: 'lease.release' });
    await taking.take.answer(held(1));
    expect(taking.release.calls).toHaveLength(1);
    const beaten = run();
    await beaten.read.answer(seen(null));
    beaten.actor.send({ type: 'lease.release' });
    await beaten.take.answer(conflict);
    expect(beaten.output()).toMatchObject({ end: 'withdrawn' });
    const unheard = run();
    await unheard.read.answer(seen(null));
    unheard.actor.send({ type: 'lease.release' });
    pass(unheard.clock, leaseMs);
    expect(unheard.output()).toMatchObject({ end: 'withdrawn' });
  });

  it('fails with the reason of a defect', async () => {
    const { renew, clock, output } = await hold();
    pass(clock, leaseMs / 5);
    await renew.crash('a bug');
    expect(output()).toMatchObject({ end: 'failed', reason: expect.stringContaining('a bug') });
  });
});

/** Processes that share a store, each behind a link that is slow and fails for seconds at a time. */
const simulate = async (seed: string) => {
  const random = createRandom(seed);
  const clock = new SimulatedClock();
  let stored: WriterLease | null = null;
  const links = Array.from({ length: 3 }, () => ({ isUp: true, worstMs: 50 }));
  const later = <A>(ms: number, what: () => A): Promise<A> =>
    new Promise((resolve) => clock.setTimeout(() => resolve(what()), ms));
  /** The store acts somewhere between question and answer; either may take long, or come to nothing. */
  const ask = async <A, E>(
    index: number,
    act: () => Outcome<A, E>,
  ): Promise<Outcome<A, E | StoreFailure>> => {
    const link = links[index];
    const wayMs = () => Math.floor(random.next() * (link?.worstMs ?? 0));
    await later(wayMs(), () => undefined);
    if (link?.isUp !== true) return later(300, () => fail(failure));
    const outcome = act();
    await later(wayMs(), () => undefined);
    return random.next() < 0.02 ? fail(failure) : outcome;
  };
  const timed = async <E>(asking: Promise<Outcome<WriterLease, E>>): Promise<Outcome<HeldLease, E>> => {
    const askedAt = clock.now();
    const outcome = await asking;
    return outcome.ok ? succeed({ lease: outcome.value, tookMs: clock.now() - askedAt }) : outcome;
  };
  const actors = links.map((_, index) => {
    const machine = writerLeaseMachine.provide({
      actors: {
        readLease: fromPromise(() =>
          ask(index, () => succeed({ lease: stored, isHolderDead: false, holderLeaseMs: null })),
        ) as ReadLease,
        takeLease: fromPromise(({ input: { holder, over } }) =>
          timed(
            ask(index, () => {
              if (JSON.stringify(stored) !== JSON.stringify(over)) return conflict;
              stored = { name: 'writer', token: (stored?.token ?? 0) + 1, holder, beat: 0 };
              return succeed(stored);
            }),
          ),
        ) as TakeLease,
        renewLease: fromPromise(({ input: { lease: ours } }) =>
          timed(
            ask(index, () => {
              if (stored?.token !== ours.token) return fenced;
              stored = { ...stored, beat: stored.beat + 1 };
              return succeed(stored);
            }),
          ),
        ) as RenewLease,
      },
    });
    return createActor(machine, {
      systemId: rootId,
      clock,
      input: { holder: `process ${index}`, leaseMs: 2_000 },
    });
  });
  for (const actor of actors) actor.start();
  const sure = () => actors.filter((actor) => actor.getSnapshot().matches({ holding: 'sure' }));
  let most = 0;
  let sureSteps = 0;
  const step = async (): Promise<void> => {
    clock.increment(20);
    await settled();
    most = Math.max(most, sure().length);
    sureSteps += sure().length;
  };
  for (let steps = 0; steps < 1_000; steps += 1) {
    for (const link of links) {
      if (random.next() < 0.004) link.isUp = !link.isUp;
      if (random.next() < 0.01) link.worstMs = random.next() < 0.7 ? 50 : 900;
    }
    await step();
  }
  for (const link of links) Object.assign(link, { isUp: true, worstMs: 50 });
  for (let steps = 0; steps < 300; steps += 1) await step();
  const living = actors.filter((actor) => actor.getSnapshot().status === 'active').length;
  const holding = actors.filter((actor) => actor.getSnapshot().matches('holding')).length;
  for (const actor of actors) actor.stop();
  return { most, sureSteps, living, holding, takings: (stored as WriterLease | null)?.token ?? 0 };
};

describe('machines / writerLease, several at once', () => {
  it('are never sure at the same time, and one of them is in the end, whatever the links do', async () => {
    let takeovers = 0;
    for (let seed = 1; seed <= 8; seed += 1) {
      const { most, sureSteps, living, holding, takings } = await simulate(`links ${seed}`);
      takeovers += takings - 1;
      expect(most, `seed ${seed}`).toBe(1);
      expect(sureSteps, `seed ${seed}`).toBeGreaterThan(300);
      expect(holding, `seed ${seed}`).toBe(Math.min(living, 1));
    }
    expect(takeovers).toBeGreaterThan(4);
  });
});
