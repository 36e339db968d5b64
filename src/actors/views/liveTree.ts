import type { AnyActorRef, AnyStateMachine, SnapshotFrom } from 'xstate';

import type { chainLinkMachine } from '../../machines/chainLink.machine.ts';
import type { endpointWatchMachine } from '../../machines/endpointWatch.machine.ts';
import type { epochMachine } from '../../machines/epoch.machine.ts';
import type { inferencePoolMachine } from '../../machines/inferencePool.machine.ts';
import type { minerSessionMachine } from '../../machines/minerSession.machine.ts';
import type { resourcesMachine } from '../../machines/resources.machine.ts';
import type { roundMachine } from '../../machines/round.machine.ts';
import type { storeHealthMachine } from '../../machines/storeHealth.machine.ts';
import type { validatorSessionMachine } from '../../machines/validatorSession.machine.ts';
import type { weightRevealMachine } from '../../machines/weightReveal.machine.ts';
import type { weightSettingMachine } from '../../machines/weightSetting.machine.ts';

type Children = Readonly<Record<string, AnyActorRef | undefined>>;
type Parent = { readonly children: Children };

/** Machines by the ids under which their parents keep them. */
type Known = {
  readonly chainLink: typeof chainLinkMachine;
  readonly endpointWatch: typeof endpointWatchMachine;
  readonly epoch: typeof epochMachine;
  readonly round: typeof roundMachine;
  readonly weightSetting: typeof weightSettingMachine;
  readonly weightReveal: typeof weightRevealMachine;
  readonly storeHealth: typeof storeHealthMachine;
  readonly resources: typeof resourcesMachine;
  readonly inferencePool: typeof inferencePoolMachine;
};

/** Snapshot of a child; null while there is none. Ids say which machine it is, which the compiler cannot see. */
export const childOf = <Id extends keyof Known>(
  parent: Parent | null,
  id: Id,
): SnapshotFrom<Known[Id]> | null => {
  const snapshot: unknown = parent?.children[id]?.getSnapshot();
  return snapshot === undefined ? null : (snapshot as SnapshotFrom<Known[Id]>);
};

export type SessionOf<Machine extends AnyStateMachine> = {
  readonly sessionId: string;
  readonly snapshot: SnapshotFrom<Machine>;
};

/** Session of a peer by its key; null without one. */
const sessionOf = <Machine extends AnyStateMachine>(
  parent: Parent,
  key: string,
): SessionOf<Machine> | null => {
  const ref = parent.children[`session/${key}`];
  if (ref === undefined) return null;
  return { sessionId: ref.sessionId, snapshot: ref.getSnapshot() as SnapshotFrom<Machine> };
};

export const minerSessionOf = (parent: Parent, hotkey: string) =>
  sessionOf<typeof minerSessionMachine>(parent, hotkey);

export const validatorSessionOf = (parent: Parent, arrival: string) =>
  sessionOf<typeof validatorSessionMachine>(parent, arrival);

/** Actors of a tree that live, the root counted; bounded in depth, because machines nest four deep. */
export const countActors = (snapshot: { readonly children?: Children } | null, depth = 4): number => {
  if (snapshot === null || depth === 0) return 0;
  let count = 1;
  for (const ref of Object.values(snapshot.children ?? {})) {
    const inner: unknown = ref?.getSnapshot();
    if (ref === undefined || typeof inner !== 'object' || inner === null) continue;
    count += countActors(inner as { readonly children?: Children }, depth - 1);
  }
  return count;
};
