import type { EpochIndex, Hotkey } from './ids.ts';
import type { Axon, Neuron, SubnetSnapshot } from './metagraph.ts';

/** A neuron that can be asked. */
export type ServingNeuron = Neuron & { readonly axon: Axon };

/**
 * Whether a neuron validates, told by what it does on chain: it holds a permit, has set or committed weights since it
 * was registered, and not longer ago than the subnet's activity cutoff, from when on the chain itself counts it as
 * inactive. A permit alone says nothing: on a young subnet everybody with stake gets one. Registration writes
 * `LastUpdate` too (`append_neuron`, pallets/subtensor/src/subnets/uids.rs), so weights are what came after it.
 *
 * Setting weights takes a permit and a signature of the hotkey, so nobody can do it to somebody else. A miner that
 * sets weights itself is no miner until the cutoff has passed.
 */
export const actsAsValidator = (neuron: Neuron, subnet: SubnetSnapshot): boolean =>
  neuron.validatorPermit &&
  neuron.lastUpdate > neuron.blockAtRegistration &&
  neuron.lastUpdate + subnet.hyperparameters.activityCutoffBlocks >= subnet.block;

/**
 * Miners are the neurons that publish an axon and do not act as validators, except ourselves; ascending by uid. A
 * validator with an axon would never answer, and its stake would be what the miners' stakes are measured by.
 */
export const minersOf = (subnet: SubnetSnapshot, ownHotkey: Hotkey): readonly ServingNeuron[] =>
  subnet.neurons.flatMap((neuron) =>
    neuron.axon === null || neuron.hotkey === ownHotkey || actsAsValidator(neuron, subnet)
      ? []
      : [{ ...neuron, axon: neuron.axon }],
  );

/**
 * Whose turn it is in an epoch: everybody, or where there are more miners than links, the next `maxMiners` of them.
 * Epoch after epoch the turn goes round by uid, so that each of n miners is served in `maxMiners` of n epochs. Follows
 * from chain and epoch alone: nobody leaves its turn by hanging up. Ascending by uid.
 *
 * @param given.maxMiners at least 1; a smaller number counts as 1
 */
export const minersInTurn = (given: {
  readonly subnet: SubnetSnapshot;
  readonly ownHotkey: Hotkey;
  readonly epoch: EpochIndex;
  readonly maxMiners: number;
}): readonly ServingNeuron[] => {
  const miners = minersOf(given.subnet, given.ownHotkey);
  const seats = Math.max(1, Math.floor(given.maxMiners));
  if (miners.length <= seats) return miners;
  const first = (given.epoch * seats) % miners.length;
  return miners.filter((_, rank) => (rank - first + miners.length) % miners.length < seats);
};
