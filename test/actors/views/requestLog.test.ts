import { describe, expect, it } from 'vitest';

import { minerFactsOf } from '#src/actors/views/minerFactsOf.ts';
import { createMinerNews } from '#src/actors/views/minerNews.ts';
import { createRequestLog, maxRequests, type RequestLog } from '#src/actors/views/requestLog.ts';
import { minerVerdict } from '#src/domain/view/minerVerdict.ts';

const windowMs = 600_000;

/** Answers given evenly over a time, of which each `lostEach`th is taken by nobody. */
const answering = (
  log: RequestLog,
  given: {
    readonly answers: number;
    readonly lostEach: number;
    readonly fromMs: number;
    readonly toMs: number;
  },
): void => {
  const { answers, lostEach, fromMs, toMs } = given;
  for (let index = 0; index < answers; index += 1) {
    const task = { hotkey: '5busy', id: `${fromMs}/${index}` };
    const at = fromMs + Math.floor((index * (toMs - fromMs)) / answers);
    log.hear({ ...task, type: 'received', kind: 'k' }, at);
    log.hear({ ...task, type: 'answered', elapsedMs: 1 }, at);
    const isLost = index % lostEach === 0;
    log.hear(isLost ? { ...task, type: 'lost', reason: 'expired' } : { ...task, type: 'acknowledged' }, at);
  }
};

const factsAt = (requests: RequestLog, nowMs: number) =>
  minerFactsOf({
    root: null,
    pool: null,
    news: createMinerNews('5Own'),
    requests,
    storeTrouble: null,
    hasGpu: false,
    nowMs,
  });

/** Reasons of the verdict on a miner that works and answers so. */
const codesAt = (requests: RequestLog, nowMs: number): readonly string[] => {
  const facts = { ...factsAt(requests, nowMs), life: { stage: 'working', ending: null } } as const;
  return minerVerdict(facts, '').reasons.map(({ code }) => code);
};

describe('actors/views / requestLog', () => {
  it('compares the losses of ten minutes with all answers of ten minutes, however many they are', () => {
    const log = createRequestLog();
    answering(log, { answers: 12_000, lostEach: 50, fromMs: 0, toMs: windowMs });
    expect(factsAt(log, windowMs).serving).toMatchObject({ lost: 240, answered: 12_000 });
    expect(codesAt(log, windowMs)).not.toContain('answers.lost');
    answering(log, { answers: 12_000, lostEach: 10, fromMs: windowMs, toMs: 2 * windowMs });
    expect(codesAt(log, 2 * windowMs)).toContain('answers.lost');
  });

  it('counts each loss of ten minutes, more than a list would hold', () => {
    const log = createRequestLog();
    answering(log, { answers: 60_000, lostEach: 10, fromMs: 0, toMs: windowMs });
    expect(factsAt(log, windowMs).serving).toMatchObject({ lost: 6_000, answered: 60_000 });
  });

  it('forgets losses and answers once they are older than ten minutes', () => {
    const log = createRequestLog();
    answering(log, { answers: 100, lostEach: 1, fromMs: 0, toMs: 1_000 });
    expect(factsAt(log, windowMs - 60_000).serving).toMatchObject({ lost: 100, answered: 100 });
    expect(factsAt(log, windowMs + 60_000).serving).toMatchObject({ lost: 0, answered: 0 });
    answering(log, { answers: 10, lostEach: 1, fromMs: 30 * windowMs, toMs: 30 * windowMs + 1_000 });
    expect(factsAt(log, 30 * windowMs + 1_000).serving).toMatchObject({ lost: 10, answered: 10 });
  });

  it('does not count what the clock, before it was set back, said of times to come', () => {
    const log = createRequestLog();
    answering(log, { answers: 100, lostEach: 1, fromMs: 50 * windowMs, toMs: 50 * windowMs + 1_000 });
    answering(log, { answers: 10, lostEach: 100, fromMs: windowMs, toMs: windowMs + 1_000 });
    expect(factsAt(log, windowMs + 1_000).serving).toMatchObject({ lost: 1, answered: 10 });
  });

  it('keeps the counts of a validator that asks when many others come once', () => {
    const log = createRequestLog();
    for (let index = 0; index < 2_000; index += 1) {
      log.hear({ hotkey: '5busy', id: `${index}`, type: 'received', kind: 'k' }, index);
      log.hear({ hotkey: `5other${index}`, id: 'x', type: 'received', kind: 'k' }, index);
    }
    expect(log.countsOf('5busy').received).toBe(2_000);
    expect(log.validators()).toHaveLength(512);
  });

  it('tells how long an answer took whose end is heard after many others came', () => {
    const log = createRequestLog();
    const task = { hotkey: '5busy', id: 'late' };
    log.hear({ ...task, type: 'received', kind: 'k' }, 1);
    log.hear({ ...task, type: 'answered', elapsedMs: 12 }, 2);
    answering(log, { answers: 2 * maxRequests, lostEach: 1_000, fromMs: 3, toMs: 4 });
    log.hear({ ...task, type: 'lost', reason: 'expired' }, 5);
    expect(log.recent()[0]).toEqual({
      at: 1,
      validator: '5busy',
      kind: 'k',
      outcome: 'lost',
      ms: 12,
      reason: 'not acknowledged before the deadline',
    });
  });
});
