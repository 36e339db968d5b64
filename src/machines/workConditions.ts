import type { WorkConditions } from '../domain/workHold.ts';
import type { ResourcesFact } from './resources.machine.ts';
import type { StoreHealthFact } from './storeHealth.machine.ts';

export type ConditionFact = StoreHealthFact | ResourcesFact;

/** What keeps a daemon from new work, after a fact of its store or its resources; other events change nothing. */
export const conditionsAfter = (
  { storeTrouble, shortages }: WorkConditions,
  event: ConditionFact | { readonly type: string },
): WorkConditions => {
  if (event.type === 'store.recovered') return { storeTrouble: null, shortages };
  if (event.type === 'resources.ample') return { storeTrouble, shortages: [] };
  if ('trouble' in event) return { storeTrouble: event.trouble, shortages };
  return { storeTrouble, shortages: 'of' in event ? event.of : shortages };
};
