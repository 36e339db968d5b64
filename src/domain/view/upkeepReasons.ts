import { few, quote } from './figures.ts';
import type { HealthReason } from './verdict.ts';

/** What both daemons know of what they stand on. */
export type UpkeepFacts = {
  /** What to do about the store, as it says itself; null while it is well. */
  readonly storeTrouble: { readonly kind: string; readonly message: string } | null;
  /** Memory, descriptors, disk: what there is too little of. */
  readonly shortages: readonly string[];
};

const shortageAdvice: Readonly<Record<string, string>> = {
  memory: 'Give the process more memory, or let it be started again',
  descriptors: 'Raise the limit of open files (LimitNOFILE, ulimit -n)',
  disk: 'Make room on the disk of the data folder',
};

/** What is not well with store and resources; `consequence` says what is held up meanwhile. */
export const upkeepReasons = (
  { storeTrouble, shortages }: UpkeepFacts,
  consequence: string,
): readonly HealthReason[] => {
  const reasons: HealthReason[] = [];
  if (storeTrouble !== null) {
    reasons.push({
      code: 'store.troubled',
      level: 'failing',
      text: `The store cannot write (${storeTrouble.kind}): ${quote(storeTrouble.message)}.`,
      advice: `It is tried again by itself; ${consequence}.`,
    });
  }
  if (shortages.length > 0) {
    const advice = shortages.map((shortage) => shortageAdvice[shortage] ?? `Free ${shortage}`).join('. ');
    reasons.push({
      code: 'resources.short',
      level: 'failing',
      text: `This process is about to run out of ${few(shortages, 5)}.`,
      advice: `${advice}; ${consequence}.`,
    });
  }
  return reasons;
};
