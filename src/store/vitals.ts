import type { StoreHealth, StoreTrouble } from './health.ts';

/** What the operator can do about each trouble, after the words of the one who met it. */
const ADVICE: Readonly<Record<StoreTrouble, string>> = {
  unreachable: 'check that the server runs, that its address is right and can be reached',
  loading: 'wait until the server has read its data',
  readOnly: 'make it writable again',
  full: 'free some disk space',
  memory: 'give the server more memory, or raise its limit',
  misconfigured: 'correct the settings or rights of the server',
  descriptors: 'raise the limit of open files (ulimit -n)',
  slow: 'look for what else keeps the disk or the server busy',
  failed: 'look at the log of the disk or the server',
};

/** What happened, and what the operator can do about it. */
export const withAdvice = (trouble: StoreTrouble, detail: string): string => `${detail}; ${ADVICE[trouble]}`;

/** The message of a trouble; writes wait meanwhile. */
export const troubleMessage = (trouble: StoreTrouble, detail: string): string =>
  `${withAdvice(trouble, detail)}: it goes on by itself`;

/** The health of a store and who wants to hear of it. */
export const openVitals = () => {
  const listeners = new Set<(health: StoreHealth) => void>();
  let health: StoreHealth = { isWell: true };

  const change = (next: StoreHealth): void => {
    const isSame = next.isWell
      ? health.isWell
      : !health.isWell && health.trouble === next.trouble && health.message === next.message;
    if (isSame) return;
    health = next;
    // Never within the call that causes it: a listener may submit or close.
    queueMicrotask(() => {
      for (const listener of [...listeners]) listener(next);
    });
  };

  return {
    health: (): StoreHealth => health,
    onHealth: (listener: (health: StoreHealth) => void): (() => void) => {
      const own = (heard: StoreHealth): void => listener(heard);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    well: (): void => change({ isWell: true }),
    /** What waiting does not mend. */
    broken: (message: string): void => change({ isWell: false, trouble: 'failed', message }),
    unwell: (trouble: StoreTrouble, detail: string): void =>
      change({ isWell: false, trouble, message: troubleMessage(trouble, detail) }),
  };
};

export type Vitals = ReturnType<typeof openVitals>;
