import type { SubmissionRow } from '../../domain/view/validatorView.ts';
import type { ValidatorEvent } from '../../machines/validatorLife.ts';
import { createRing } from './ring.ts';

/** Submissions kept. */
export const maxSubmissions = 100;

/** What became of weights, of this life. */
export type SubmissionLog = {
  readonly saw: (
    fact: { readonly type: string },
    given: { readonly at: number; readonly block: number },
  ) => void;
  /** Newest first; the same list until there is something new. */
  readonly rows: () => readonly SubmissionRow[];
  /** The last commit that was lost, until a later one is in force. */
  readonly unrevealed: () => { readonly epoch: number; readonly advice: string } | null;
  /** Epoch for which another program has set weights. */
  readonly foreignEpoch: () => number | null;
};

type Given = { readonly at: number; readonly block: number; readonly isCommit: boolean };

const facts = new Set<string>([
  'weights.confirmed',
  'weights.committed',
  'weights.revealed',
  'weights.superseded',
  'weights.unrevealed',
  'weights.refused',
  'weights.missed',
  'weights.foreign',
] satisfies ValidatorEvent['type'][]);

const isFact = (fact: { readonly type: string }): fact is ValidatorEvent => facts.has(fact.type);

const rowOf = (fact: ValidatorEvent, { at, block, isCommit }: Given): SubmissionRow | null => {
  const tried = isCommit ? 'commit' : 'set';
  switch (fact.type) {
    case 'weights.confirmed':
      return { at, epoch: fact.epoch, block: fact.block, kind: 'set', result: 'confirmed', error: null };
    case 'weights.committed':
      return { at, epoch: fact.epoch, block: fact.block, kind: 'commit', result: 'committed', error: null };
    case 'weights.revealed':
      return { at, epoch: fact.epoch, block: fact.block, kind: 'reveal', result: 'revealed', error: null };
    case 'weights.superseded':
      return { at, epoch: fact.epoch, block: fact.block, kind: 'reveal', result: 'superseded', error: null };
    case 'weights.unrevealed':
      return {
        at,
        epoch: fact.epoch,
        block: fact.block,
        kind: 'reveal',
        result: 'unrevealed',
        error: fact.loss,
      };
    case 'weights.foreign':
      return { at, epoch: fact.epoch, block: fact.block, kind: tried, result: 'foreign', error: null };
    case 'weights.refused':
      return { at, epoch: fact.epoch, block, kind: tried, result: 'refused', error: fact.failure.message };
    case 'weights.missed':
      return { at, epoch: fact.epoch, block, kind: tried, result: 'missed', error: null };
    default:
      return null;
  }
};

export const createSubmissionLog = (): SubmissionLog => {
  const kept = createRing<SubmissionRow>(maxSubmissions);
  let rows: readonly SubmissionRow[] = [];
  let unrevealed: { readonly epoch: number; readonly advice: string } | null = null;
  let foreignEpoch: number | null = null;
  let isCommit = false;
  return {
    saw: (fact, given) => {
      if (!isFact(fact)) return;
      if (fact.type === 'weights.committed') isCommit = true;
      if (fact.type === 'weights.confirmed') isCommit = false;
      if (fact.type === 'weights.unrevealed') unrevealed = { epoch: fact.epoch, advice: fact.advice };
      if (fact.type === 'weights.revealed' && fact.epoch > (unrevealed?.epoch ?? -1)) unrevealed = null;
      if (fact.type === 'weights.foreign') foreignEpoch = fact.epoch;
      const row = rowOf(fact, { ...given, isCommit });
      if (row === null) return;
      kept.push(row);
      rows = kept.newest(maxSubmissions);
    },
    rows: () => rows,
    unrevealed: () => unrevealed,
    foreignEpoch: () => foreignEpoch,
  };
};
