import { describe, expect, it } from 'vitest';

import { createAnswerOutbox, defaultOutboxLimits, type SendOver } from '#src/actors/answerOutbox.ts';
import { fail, succeed } from '#src/domain/outcome.ts';
import { until } from '#test/support/peers.ts';

type Sent = { readonly type: string; readonly id: string; readonly reason?: string };

/** A link that takes what it is given, or nothing while it is full. */
const fakeLink = () => {
  const sent: Sent[] = [];
  const link = { sent, isFull: false };
  const send: SendOver = (message) => {
    if (link.isFull) return false;
    const text = 'bytes' in message ? message.bytes.toString('utf8') : JSON.stringify(message);
    sent.push(JSON.parse(text));
    return true;
  };
  return Object.assign(link, { send, ids: () => sent.map(({ id }) => id) });
};

const answer = (id: string, size = 1) =>
  succeed({ type: 'answer', v: 1, id, answer: { label: 'x'.repeat(size) }, elapsedMs: 1 } as const);

const refused = (reason: 'busy' | 'expired') => fail(reason);
type Result = ReturnType<typeof answer> | ReturnType<typeof refused>;

/** A task that is answered when the test says so. */
const pending = (id: string, deadlineAtMs = 1_000) => {
  const runs: PromiseWithResolvers<Result>[] = [];
  const asked: number[] = [];
  const work = (deadline: number): Promise<Result> => {
    asked.push(deadline);
    const run = Promise.withResolvers<Result>();
    runs.push(run);
    return run.promise;
  };
  return {
    task: () => ({ id, deadlineAtMs, work }),
    asked,
    end: (result: Result) => runs.at(-1)?.resolve(result),
  };
};

const done = (id: string, options: { size?: number; deadlineAtMs?: number } = {}) => ({
  id,
  deadlineAtMs: options.deadlineAtMs ?? 1_000,
  work: () => Promise.resolve(answer(id, options.size)),
});

describe('actors / answerOutbox', () => {
  it('keeps an answer until it is acknowledged, and sends it over each new link', async () => {
    const outbox = createAnswerOutbox(defaultOutboxLimits, () => 0);
    const [first, second, third] = [fakeLink(), fakeLink(), fakeLink()];
    const detach = outbox.attach('5V', first.send);
    await outbox.take('5V', done('a'));
    await outbox.take('5V', done('b'));
    expect(first.ids()).toEqual(['a', 'b']);
    detach();
    outbox.attach('5V', second.send);
    expect(second.ids()).toEqual(['a', 'b']);
    outbox.drop('5V', ['a', 'never heard of']);
    outbox.attach('5V', third.send);
    expect(third.ids()).toEqual(['b']);
    expect(outbox.counts()).toMatchObject({ answers: 1, validators: 1 });
  });

  it('gives an answer up at its deadline, and forgets a validator that is gone', async () => {
    let nowMs = 0;
    const outbox = createAnswerOutbox(defaultOutboxLimits, () => nowMs);
    const detach = outbox.attach('5V', fakeLink().send);
    await outbox.take('5V', done('a', { deadlineAtMs: 500 }));
    await outbox.take('5V', done('b', { deadlineAtMs: 501 }));
    detach();
    nowMs = 500;
    const next = fakeLink();
    const leave = outbox.attach('5V', next.send);
    expect(next.ids()).toEqual(['b']);
    outbox.drop('5V', ['b']);
    leave();
    expect(outbox.counts()).toEqual({ answers: 0, bytes: 0, validators: 0 });
  });

  it('sends an answer that is too late once, and does not keep it', async () => {
    const outbox = createAnswerOutbox(defaultOutboxLimits, () => 2_000);
    const link = fakeLink();
    outbox.attach('5V', link.send);
    await outbox.take('5V', done('a'));
    expect(link.ids()).toEqual(['a']);
    expect(outbox.counts().answers).toBe(0);
  });

  it('answers a task that comes again without working on it again, under its new deadline', async () => {
    let nowMs = 0;
    const outbox = createAnswerOutbox(defaultOutboxLimits, () => nowMs);
    const first = fakeLink();
    outbox.attach('5V', first.send)();
    const one = pending('a');
    const taken = outbox.take('5V', one.task());
    one.end(answer('a'));
    await taken;
    expect(first.sent).toEqual([]);
    const second = fakeLink();
    outbox.attach('5V', second.send);
    await outbox.take('5V', { ...one.task(), deadlineAtMs: 3_000 });
    expect(one.asked).toHaveLength(1);
    expect(second.ids()).toEqual(['a', 'a']);
    nowMs = 2_000;
    const third = fakeLink();
    outbox.attach('5V', third.send);
    expect(third.ids()).toEqual(['a']);
  });

  it('sends one answer for one task that comes again, however many wait', async () => {
    const outbox = createAnswerOutbox(defaultOutboxLimits, () => 0);
    const link = fakeLink();
    outbox.attach('5V', link.send)();
    for (const id of ['a', 'b', 'c']) await outbox.take('5V', done(id));
    const tried: number[] = [];
    outbox.attach('5V', (message) => {
      tried.push('bytes' in message ? message.bytes.length : 0);
      return false;
    });
    expect(tried).toHaveLength(1);
    await outbox.take('5V', done('c'));
    expect(tried).toHaveLength(2);
    const full = fakeLink();
    outbox.attach('5V', full.send);
    await outbox.take('5V', done('c'));
    expect(full.ids()).toEqual(['a', 'b', 'c', 'c']);
  });

  it('does not begin a task twice that is under way; its answer goes over the newest link', async () => {
    const outbox = createAnswerOutbox(defaultOutboxLimits, () => 0);
    const [first, second] = [fakeLink(), fakeLink()];
    const detach = outbox.attach('5V', first.send);
    const one = pending('a');
    const both = [outbox.take('5V', one.task())];
    detach();
    expect(outbox.has('5V', 'a')).toBe(true);
    outbox.attach('5V', second.send);
    both.push(outbox.take('5V', one.task()));
    expect(one.asked).toHaveLength(1);
    one.end(answer('a'));
    await Promise.all(both);
    expect([first.ids(), second.ids()]).toEqual([[], ['a']]);
  });

  it('works on again what came too late for a deadline that was moved meanwhile', async () => {
    const outbox = createAnswerOutbox(defaultOutboxLimits, () => 0);
    const link = fakeLink();
    outbox.attach('5V', link.send);
    const one = pending('a', 100);
    const taken = outbox.take('5V', one.task());
    void outbox.take('5V', { ...one.task(), deadlineAtMs: 900 });
    one.end(refused('expired'));
    await until(() => one.asked.length === 2, 'the second run');
    expect(one.asked).toEqual([100, 900]);
    one.end(refused('expired'));
    await taken;
    expect(link.sent).toMatchObject([{ type: 'refusal', id: 'a', reason: 'expired' }]);
  });

  it('refuses by reason, and a task whose work throws or whose answer fits no frame as failed', async () => {
    const outbox = createAnswerOutbox(defaultOutboxLimits, () => 0);
    const link = fakeLink();
    outbox.attach('5V', link.send);
    const { work, ...busy } = { ...done('a'), work: () => Promise.resolve(refused('busy')) };
    await outbox.take('5V', { ...busy, work });
    await outbox.take('5V', { ...done('b'), work: () => Promise.reject(new Error('broken')) });
    await outbox.take('5V', done('c', { size: 300_000 }));
    expect(link.sent.map(({ type, reason }) => [type, reason])).toEqual([
      ['refusal', 'busy'],
      ['refusal', 'failed'],
      ['refusal', 'failed'],
    ]);
    expect(outbox.counts().answers).toBe(0);
  });

  it('tries again when a link was full', async () => {
    const outbox = createAnswerOutbox(defaultOutboxLimits, () => 0);
    const link = fakeLink();
    link.isFull = true;
    outbox.attach('5V', link.send);
    await outbox.take('5V', done('a'));
    expect(link.sent).toEqual([]);
    link.isFull = false;
    await until(() => link.sent.length === 1, 'the second try', 2_000);
  });

  it('holds a bounded number of answers and bytes, by validator and in all, the nearest deadlines out', async () => {
    const limits = { answersPerValidator: 3, bytesPerValidator: 2_000, answers: 4, bytes: 100_000 };
    const outbox = createAnswerOutbox(limits, () => 0);
    const waiting = (hotkey: string): readonly string[] => {
      const link = fakeLink();
      outbox.attach(hotkey, link.send)();
      return link.ids();
    };
    for (const [id, deadlineAtMs] of [
      ['a', 50],
      ['b', 10],
      ['c', 40],
      ['d', 30],
    ] as const) {
      await outbox.take('5V', done(id, { deadlineAtMs }));
    }
    expect(waiting('5V')).toEqual(['a', 'c', 'd']);
    await outbox.take('5W', done('x', { deadlineAtMs: 45 }));
    await outbox.take('5W', done('y', { deadlineAtMs: 60 }));
    expect(waiting('5V')).toEqual(['a', 'c']);
    await outbox.take('5V', done('large', { size: 1_900, deadlineAtMs: 99 }));
    expect(waiting('5V')).toEqual(['large']);
    expect(outbox.counts().answers).toBe(3);
    expect(outbox.counts().bytes).toBeLessThan(2_400);
  });
});
