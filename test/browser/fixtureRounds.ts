import type { RoundRow } from '#src/domain/view/validatorView.ts';
import { seeded } from '#test/browser/fixtureRandom.ts';

const deadlineMs = 12_000;
const cohort = 64;
const tasks = 4;

const finished = (index: number, startedAt: number): RoundRow => {
  const random = seeded(index + 70_000);
  const planned = 40 + random() * 60;
  const sent = planned + 120 + random() * 200;
  const collected = index % 7 === 3 ? deadlineMs : sent + 3_000 + random() * 6_000;
  const settled = collected + 60 + random() * 90;
  const missed = index % 7 === 3 ? 14 : Math.floor(random() * 4);
  const late = Math.floor(random() * 3);
  const unreachable = 4 * Math.floor(random() * 4);
  const invalid = index % 5 === 1 ? 2 : 0;
  return {
    roundId: `r-4211-${40 - index}`,
    epoch: 4_211,
    block: 5_123_456 - index * 2,
    startedAt,
    endedAt: startedAt + settled,
    deadlineMs,
    tasks,
    cohort,
    state: 'settled',
    phases: [
      { name: 'sampling', from: startedAt, to: startedAt + planned },
      { name: 'dispatching', from: startedAt + planned, to: startedAt + sent },
      { name: 'collecting', from: startedAt + sent, to: startedAt + collected },
      { name: 'judging', from: startedAt + collected, to: startedAt + settled },
    ],
    counts: {
      dispatched: cohort * tasks - unreachable,
      judged: cohort * tasks - missed - late - unreachable - invalid,
      invalid,
      refused: 0,
      missed,
      late,
      unreachable,
      lost: 0,
    },
    slowest: Array.from({ length: 5 }, (_, place) => ({
      uid: 20 + Math.floor(random() * 220),
      ms: Math.max(500, collected - 300 - place * (400 + random() * 300)),
    })),
    failures: [
      { reason: 'no link when the round began', count: unreachable },
      { reason: 'no answer by the deadline', count: missed },
      { reason: 'answered after the deadline', count: late },
      { reason: 'answer names a label that was not offered', count: invalid },
    ].filter(({ count }) => count > 0),
  };
};

const running = (startedAt: number): RoundRow => {
  const whole = finished(0, startedAt);
  const [planning, dispatching, collecting] = whole.phases;
  const isKnown = planning !== undefined && dispatching !== undefined && collecting !== undefined;
  return {
    ...whole,
    roundId: 'r-4211-41',
    endedAt: null,
    state: 'collecting',
    phases: isKnown ? [planning, dispatching, { ...collecting, to: null }] : [],
    counts: { ...whole.counts, judged: 171, missed: 0, late: 0 },
    failures: [{ reason: 'no link when the round began', count: whole.counts.unreachable }],
  };
};

/** Newest first; the first one is under way unless the validator cannot ask. */
export const roundsAt = (now: number, isRunning: boolean): readonly RoundRow[] => {
  const before = Array.from({ length: 40 }, (_, index) => finished(index, now - 18_000 - index * 21_000));
  return isRunning ? [running(now - 5_400), ...before] : before;
};
