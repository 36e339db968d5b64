import type { AnyActorRef, InspectionEvent } from 'xstate';

/** What is kept of the time nobody looks: enough to see how things came to be as they are. */
const keptRaw = 256;
/** Far more than a process has; the oldest are forgotten. */
const maxRoots = 64;

export type Doze = {
  /** Nearly free: what XState tells is put aside unread. */
  readonly see: (inspected: InspectionEvent, at: number) => void;
  readonly addRoot: (root: AnyActorRef) => void;
  readonly roots: () => readonly AnyActorRef[];
  /** What was put aside, oldest first, each with its time; empties the shelf. */
  readonly take: () => readonly { readonly inspected: InspectionEvent; readonly at: number }[];
};

/** For the time without a viewer, which is most of the time of a daemon. */
export const createDoze = (): Doze => {
  const shelf: (InspectionEvent | undefined)[] = new Array(keptRaw).fill(undefined);
  const times: number[] = new Array(keptRaw).fill(0);
  const roots = new Map<string, AnyActorRef>();
  let count = 0;

  const addRoot = (root: AnyActorRef): void => {
    if (roots.has(root.sessionId)) return;
    roots.set(root.sessionId, root);
    const [oldest] = roots.keys();
    if (roots.size > maxRoots && oldest !== undefined) roots.delete(oldest);
  };

  return {
    see: (inspected, at) => {
      const { type } = inspected;
      if (type === '@xstate.action') return;
      if (type === '@xstate.actor') {
        if (inspected.actorRef.sessionId === inspected.rootId) addRoot(inspected.actorRef as AnyActorRef);
        return;
      }
      const index = count % keptRaw;
      shelf[index] = inspected;
      times[index] = at;
      count += 1;
    },
    addRoot,
    roots: () => [...roots.values()],
    take: () => {
      const first = Math.max(0, count - keptRaw);
      const taken: { inspected: InspectionEvent; at: number }[] = [];
      for (let number = first; number < count; number += 1) {
        const inspected = shelf[number % keptRaw];
        if (inspected !== undefined) taken.push({ inspected, at: times[number % keptRaw] ?? 0 });
      }
      shelf.fill(undefined);
      count = 0;
      return taken;
    },
  };
};
