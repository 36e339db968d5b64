import type { ChainView } from '../../../../src/domain/view/commonView.ts';

/**
 * Whether this hotkey has a uid. Only a metagraph can tell: before the first, and while a validator stands by and reads
 * none, it is unknown, and nobody must be told to pay for a registration.
 */
export const standingOf = ({
  metagraphBlock,
  registration,
}: Pick<ChainView, 'metagraphBlock' | 'registration'>): 'unknown' | 'unregistered' | 'registered' => {
  if (registration !== null) return 'registered';
  return metagraphBlock === null ? 'unknown' : 'unregistered';
};

/** The permit in a few words. */
export const permitText = (chain: Pick<ChainView, 'metagraphBlock' | 'registration'>): string => {
  const standing = standingOf(chain);
  if (standing === 'unknown') return 'not known yet';
  if (standing === 'unregistered') return 'not registered';
  return chain.registration?.hasPermit === true ? 'yes' : 'no';
};
