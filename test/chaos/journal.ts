import type { LogLine } from '#src/cli/demo/processes.ts';

import type { Journal, JournalEntry } from './facts.ts';

/** What is kept of a log: enough to say when a validator could work, and little enough for a long run. */
const keptEvents = new Set([
  'daemon.started',
  'daemon.writing',
  'lease.lost',
  'lease.uncertain',
  'lease.sure',
  'chain.opened',
  'chain.lost',
  'store.troubled',
  'store.recovered',
  'weights.refused',
  'weights.confirmed',
  'round.ended',
]);

/** A round is named after the epoch and the block of its plan, see `planRound`. */
const roundOf = ({ roundId, summary }: LogLine): JournalEntry['round'] => {
  const [, epoch, block] = /^r(\d+)-(\d+)-/.exec(String(roundId)) ?? [];
  if (epoch === undefined || block === undefined || summary === null) return undefined;
  return { epoch: Number(epoch), block: Number(block) };
};

/** Notes what a process does, with the driver's wall clock. */
export type JournalWriter = {
  readonly journal: () => Journal;
  readonly began: (life: number) => void;
  readonly ended: (life: number) => void;
  readonly said: (life: number, line: LogLine) => void;
};

export const createJournal = (name: string): JournalWriter => {
  const entries: JournalEntry[] = [];
  const note = (life: number, event: string): number => entries.push({ atMs: Date.now(), life, event });
  return {
    journal: () => ({ name, entries }),
    began: (life) => void note(life, 'process.started'),
    ended: (life) => void note(life, 'process.ended'),
    said: (life, line) => {
      const event = line['event'];
      if (typeof event !== 'string' || !keptEvents.has(event)) return;
      const round = event === 'round.ended' ? roundOf(line) : undefined;
      entries.push({ atMs: Date.now(), life, event, ...(round !== undefined && { round }) });
    },
  };
};
