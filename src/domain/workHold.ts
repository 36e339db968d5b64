import type { Shortage } from './resources.ts';
import type { StoreTrouble } from './storeHealth.ts';

/** Why no new work is begun; empty when nothing keeps from it. For people: `store full`, `short of memory`. */
export type HoldReasons = readonly string[];

export type WorkConditions = {
  /** null while the store is well. */
  readonly storeTrouble: StoreTrouble | null;
  readonly shortages: readonly Shortage[];
};

export const holdReasons = ({ storeTrouble, shortages }: WorkConditions): HoldReasons => [
  ...(storeTrouble === null ? [] : [`store ${storeTrouble}`]),
  ...shortages.map((shortage) => `short of ${shortage}`),
];
