import { isImmune } from './epoch.ts';
import type { BlockNumber, Hotkey, Uid } from './ids.ts';
import type { Neuron, SubnetSnapshot } from './metagraph.ts';

/**
 * Who loses its uid next. Plain JSON.
 *
 * Source: `get_neuron_to_prune`, pallets/subtensor/src/subnets/registration.rs. `ImmuneOwnerUidsLimit` is taken as 1,
 * its default: of the owner's coldkey the hotkey registered first is never pruned, nor is the owner's hotkey.
 */
export type PruningOutlook = {
  /** 1: the next registration takes this uid. null: cannot be pruned while the others are as they are. */
  readonly rank: number | null;
  /** How many uids can be pruned at all. */
  readonly candidates: number;
  /** Registrations before anyone is pruned. */
  readonly freePlaces: number;
  /** Blocks until the immunity of this uid ends; 0 when it has. */
  readonly immunityLeftBlocks: number;
  /** First block without immunity. */
  readonly immuneUntilBlock: BlockNumber;
};

const byPruning = (a: Neuron, b: Neuron): number =>
  a.emissionRao - b.emissionRao || a.blockAtRegistration - b.blockAtRegistration || a.uid - b.uid;

/** Neurons that are never pruned. */
const immortalUids = ({ neurons, ownerHotkey }: SubnetSnapshot): ReadonlySet<Uid> => {
  const owner = neurons.find(({ hotkey }) => hotkey === ownerHotkey);
  if (owner === undefined) return new Set();
  const first = neurons
    .filter(({ coldkey }) => coldkey === owner.coldkey)
    .toSorted((a, b) => a.blockAtRegistration - b.blockAtRegistration || a.uid - b.uid)
    .slice(0, 1);
  return new Set([owner, ...first].map(({ uid }) => uid));
};

/** uids in the order in which registrations would take them, were nothing else to change. */
export const pruningOrder = (subnet: SubnetSnapshot): readonly Uid[] => {
  const { immunityPeriodBlocks, minNonImmuneUids } = subnet.hyperparameters;
  const immortal = immortalUids(subnet);
  const mortal = subnet.neurons.filter(({ uid }) => !immortal.has(uid)).toSorted(byPruning);
  const isNew = ({ blockAtRegistration }: Neuron): boolean =>
    isImmune({ block: subnet.block, blockAtRegistration, immunityPeriodBlocks });
  const old = mortal.filter((neuron) => !isNew(neuron));
  // Once no more than MinNonImmuneUids of the old are left, the immune are next.
  const surplus = old.slice(0, Math.max(0, old.length - minNonImmuneUids));
  return [...surplus, ...mortal.filter(isNew)].map(({ uid }) => uid);
};

/** The outlook of one hotkey, null when it is not registered. */
export const pruningOutlook = (subnet: SubnetSnapshot, hotkey: Hotkey): PruningOutlook | null => {
  const neuron = subnet.neurons.find((other) => other.hotkey === hotkey);
  if (neuron === undefined) return null;
  const { immunityPeriodBlocks, maxAllowedUids } = subnet.hyperparameters;
  const order = pruningOrder(subnet);
  const place = order.indexOf(neuron.uid);
  const immuneUntilBlock = neuron.blockAtRegistration + immunityPeriodBlocks;
  return {
    rank: place < 0 ? null : place + 1,
    candidates: order.length,
    freePlaces: Math.max(0, maxAllowedUids - subnet.neurons.length),
    immunityLeftBlocks: Math.max(0, immuneUntilBlock - subnet.block),
    immuneUntilBlock,
  };
};
