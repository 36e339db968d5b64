import type { HealthLevel } from '../../src/domain/view/verdict.ts';

const levels: Readonly<Record<string, HealthLevel>> = {
  following: 'ok',
  reading: 'ok',
  connecting: 'starting',
  switching: 'attention',
  none: 'starting',
};

/** How well the link to the chain is, by the name of its state; what is not known to be well is not. */
export const linkLevel = (state: string): HealthLevel => levels[state.split('.').at(-1) ?? ''] ?? 'failing';
