import type { AnyActorRef } from 'xstate';

import type { UpkeepFacts } from '../../domain/view/upkeepReasons.ts';
import { childOf } from './liveTree.ts';

type Parent = { readonly children: Readonly<Record<string, AnyActorRef | undefined>> };

/** How store and resources are, by the machines that watch them. */
export const upkeepFactsOf = (root: Parent | null): UpkeepFacts => {
  const health = childOf(root, 'storeHealth')?.context.health ?? null;
  return {
    storeTrouble: health === null || health.isWell ? null : { kind: health.trouble, message: health.message },
    shortages: childOf(root, 'resources')?.context.shortages ?? [],
  };
};
