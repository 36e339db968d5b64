import type { SnapshotFrom } from 'xstate';

import type { LifeFacts } from '../../domain/view/validatorVerdict.ts';
import type { writerLeaseMachine } from '../../machines/writerLease.machine.ts';

type Snapshot = SnapshotFrom<typeof writerLeaseMachine>;

/** What is known of the right to write. */
export type LeaseSight = Pick<LifeFacts, 'lease' | 'holder'>;

export const noLease: LeaseSight = { lease: 'none', holder: null };

/** What a snapshot of the lease's machine says to an operator. */
export const leaseSightOf = (snapshot: Snapshot): LeaseSight => {
  // What only another process of that machine can use is left out.
  const holder = snapshot.context.lease?.holder?.replace(/ lease \d+ ms in \w+$/, '') ?? null;
  if (snapshot.matches({ holding: 'uncertain' })) return { lease: 'uncertain', holder: null };
  if (snapshot.matches('holding')) return { lease: 'sure', holder: null };
  if (snapshot.matches({ waiting: 'standingBy' })) return { lease: 'standingBy', holder };
  if (snapshot.matches({ waiting: 'blind' })) return { lease: 'blind', holder };
  if (snapshot.matches('lost')) return { lease: 'lost', holder };
  return noLease;
};
