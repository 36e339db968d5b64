import { describe, expect, it } from 'vitest';

import type { HeightReading } from '#src/domain/chainHeight.ts';
import type { ChainFailure } from '#src/domain/failures.ts';
import { fail, succeed } from '#src/domain/outcome.ts';
import { type CompareHeights, endpointWatchMachine } from '#src/machines/endpointWatch.machine.ts';
import {
  done,
  fakeTask,
  isPlainJson,
  reachedStates,
  start,
  stateIds,
  timeout,
} from '#test/support/machines.ts';

const endpoints = ['wss://one/secret-key', 'ws://two', 'ws://three'];
const head = (block: number) =>
  ({ type: 'head.finalized', head: { block, blockHash: `0x${block}` } }) as const;
const reading = (lead: number, isSameChain: boolean | null = true): HeightReading => ({
  ours: { block: 100, timestampMs: 1_000_000, blockMs: 12_000 },
  other: { block: 100 + lead, timestampMs: 1_000_000 + lead * 12_000 },
  isSameChain,
  nowMs: 1_000_000 + Math.max(0, lead) * 12_000,
  clockBehindMs: 0,
});
const gone: ChainFailure = { _tag: 'Unreachable', message: 'closed', retry: { when: 'reconnected' } };

const run = (endpoint: number, list: readonly string[] = endpoints) => {
  const compare = fakeTask<CompareHeights>();
  const machine = endpointWatchMachine.provide({ actors: { compareHeights: compare.logic } });
  const running = start(machine, { input: { endpoints: list, endpoint, endpointCheckMs: 60_000 } });
  const next = async (answer: Parameters<typeof compare.answer>[0]) => {
    running.clock.increment(60_000);
    await compare.answer(answer);
  };
  const asked = () => compare.calls.map((call) => call.endpoint);
  return { compare, next, asked, ...running };
};

describe('machines / endpointWatch', () => {
  it('reaches every state', () => {
    const states = reachedStates(endpointWatchMachine, {
      input: { endpoints, endpoint: 0, endpointCheckMs: 60_000 },
      events: [
        head(100),
        timeout('endpointCheck', 'endpointWatch.waiting'),
        done('compareHeights', succeed(reading(100))),
      ],
      distinguish: (context: { readonly head: object | null }) => [context.head !== null],
    });
    expect(states).toEqual(stateIds(endpointWatchMachine));
  });

  it('asks one other endpoint at a time, in turn, and never before there is a head', async () => {
    const { actor, clock, next, asked, value } = run(1);
    clock.increment(60_000);
    expect(value()).toBe('waiting');
    actor.send(head(100));
    await next(succeed(reading(0)));
    await next(fail(gone));
    await next(succeed(reading(-50)));
    expect(asked()).toEqual([endpoints[2], endpoints[0], endpoints[2]]);
    clock.increment(60_000);
    clock.increment(600_000);
    expect(asked()).toHaveLength(4);
    expect(value()).toBe('comparing');
  });

  it('compares with the newest head', async () => {
    const { actor, clock, compare } = run(0);
    actor.send(head(100));
    clock.increment(60_000);
    actor.send(head(105));
    await compare.answer(succeed(reading(0)));
    clock.increment(60_000);
    expect(compare.calls.map((call) => call.head.block)).toEqual([100, 105]);
  });

  it('ends with the endpoint that is ahead', async () => {
    const { actor, next } = run(0);
    actor.send(head(100));
    await next(succeed(reading(5)));
    expect(actor.getSnapshot().status).toBe('active');
    await next(succeed(reading(6)));
    expect(actor.getSnapshot().output).toEqual({
      reason: 'lagging',
      endpoint: 2,
      block: 100,
      otherBlock: 106,
    });
  });

  it('stays where the other one is out of reach, behind, or not to be believed', async () => {
    const { actor, next, facts } = run(0);
    actor.send(head(100));
    await next(fail(gone));
    await next(succeed(reading(-100)));
    await next(succeed({ ...reading(0), other: { block: 1_000_000, timestampMs: 1_012_000 } }));
    await next(succeed(reading(20, null)));
    expect(actor.getSnapshot()).toMatchObject({ status: 'active', value: 'waiting' });
    expect(facts).toEqual([]);
  });

  it('says once that another endpoint follows another fork, without showing keys', async () => {
    const { actor, next, facts } = run(1);
    actor.send(head(100));
    for (let turn = 0; turn < 4; turn += 1) await next(succeed(reading(20, false)));
    expect(actor.getSnapshot().status).toBe('active');
    expect(facts).toEqual([
      { type: 'chain.forked', endpoint: 'ws://two', other: 'ws://three', block: 100 },
      { type: 'chain.forked', endpoint: 'ws://two', other: 'wss://one/***', block: 100 },
    ]);
  });

  it('goes back to an earlier endpoint that was level five times in a row, never to a later one', async () => {
    const { actor, next } = run(1);
    actor.send(head(100));
    // In turn: the third endpoint, then the first.
    for (let turn = 0; turn < 4; turn += 1) {
      await next(succeed(reading(0)));
      await next(succeed(reading(0)));
    }
    await next(succeed(reading(0)));
    await next(fail(gone));
    expect(actor.getSnapshot().status).toBe('active');
    for (let turn = 0; turn < 5; turn += 1) {
      expect(actor.getSnapshot().status).toBe('active');
      await next(succeed(reading(0)));
      await next(succeed(reading(0)));
    }
    expect(actor.getSnapshot().output).toMatchObject({ reason: 'preferred', endpoint: 0 });
  });

  it('asks nobody but its own endpoint where there is no other, even if it stands in the list twice', async () => {
    for (const list of [['ws://one'], ['ws://one', 'ws://one']]) {
      const { actor, next, asked, value } = run(0, list);
      actor.send(head(100));
      for (let turn = 0; turn < 10; turn += 1) await next(succeed(reading(0)));
      expect(asked()).toEqual(Array.from({ length: 10 }, () => null));
      expect(value()).toBe('waiting');
    }
  });

  it('says that heads arrive which are old by our clock, and again while that lasts', async () => {
    const { actor, next, facts } = run(0, ['ws://one']);
    const aged = (ageMs: number) => ({ ...reading(0), nowMs: reading(0).ours.timestampMs + ageMs });
    actor.send(head(100));
    await next(succeed(aged(300_000)));
    expect(facts).toEqual([]);
    for (let turn = 0; turn < 31; turn += 1) await next(succeed(aged(300_001)));
    const fact = { type: 'chain.old', endpoint: 'ws://one', block: 100, ageMs: 300_001 };
    expect(facts).toEqual([fact, fact]);
    await next(succeed(aged(1_000)));
    await next(succeed(aged(900_000)));
    expect(facts.at(-1)).toMatchObject({ ageMs: 900_000 });
    expect(facts).toHaveLength(3);
  });

  it('says that our clock is behind the chain, goes on, and says it again while that lasts', async () => {
    const { actor, next, facts, value } = run(0, ['ws://one']);
    const behind = (clockBehindMs: number) => ({ ...reading(0), clockBehindMs });
    actor.send(head(100));
    await next(succeed(behind(60_000)));
    expect(facts).toEqual([]);
    for (let turn = 0; turn < 31; turn += 1) await next(succeed(behind(3_600_000)));
    const fact = { type: 'clock.behind', byMs: 3_600_000 };
    expect(facts).toEqual([fact, fact]);
    expect(value()).toBe('waiting');
  });

  it('keeps only plain JSON in its context', async () => {
    const { actor, next, context } = run(0);
    actor.send(head(100));
    await next(succeed(reading(0)));
    expect(isPlainJson(context())).toBe(true);
  });
});
