import { isImmune } from '../domain/epoch.ts';
import type { BlockNumber, EpochIndex, Hotkey, Netuid, Uid } from '../domain/ids.ts';
import type { Neuron, SubnetSnapshot } from '../domain/metagraph.ts';
import {
  type ChangeCounts,
  countChanges,
  type MetagraphChange,
  metagraphDiff,
} from '../domain/metagraphDiff.ts';

/** What a root tells of the metagraph it was given, and of its own place in it. */
export type MembershipFact =
  | {
      /** The first metagraph of this process. */
      readonly type: 'metagraph.read';
      readonly block: BlockNumber;
      readonly epoch: EpochIndex;
      readonly neurons: number;
      readonly permits: number;
      readonly axons: number;
    }
  | {
      /** One line for each metagraph that differs from the one before, however many neurons changed. */
      readonly type: 'metagraph.changed';
      readonly fromBlock: BlockNumber;
      readonly block: BlockNumber;
      readonly neurons: number;
      readonly counts: ChangeCounts;
    }
  | {
      readonly type: 'metagraph.detailed';
      readonly block: BlockNumber;
      readonly changes: readonly MetagraphChange[];
    }
  | {
      /** This hotkey has a uid: seen for the first time, again after it was gone, or another one than before. */
      readonly type: 'hotkey.registered';
      readonly hotkey: Hotkey;
      readonly netuid: Netuid;
      readonly uid: Uid;
      readonly block: BlockNumber;
      readonly registeredAtBlock: BlockNumber;
      /** Blocks for which its uid cannot be given to another yet; 0 for one that can. */
      readonly immuneForBlocks: number;
    }
  | {
      readonly type: 'hotkey.unregistered';
      readonly hotkey: Hotkey;
      readonly netuid: Netuid;
      readonly block: BlockNumber;
    };

/** Blocks between two reminders that the hotkey is not registered; 20 minutes on finney. */
const remindEveryBlocks = 100;
/** Details of one read, for the log: more than all neurons of a subnet can change at once. */
const maxDetails = 1_024;

/** A root's place in the subnet, as far as it knows. */
export type Membership = {
  readonly hotkey: Hotkey;
  readonly subnet: SubnetSnapshot | null;
  readonly uid: Uid | null;
  /** Block of the last reminder; null while registered. */
  readonly remindedAtBlock: BlockNumber | null;
};

const ownNeuron = (subnet: SubnetSnapshot | null, hotkey: Hotkey): Neuron | undefined =>
  subnet?.neurons.find((neuron) => neuron.hotkey === hotkey);

const metagraphFacts = (before: SubnetSnapshot | null, after: SubnetSnapshot): readonly MembershipFact[] => {
  const { block, epochIndex: epoch, neurons } = after;
  if (before === null) {
    const permits = neurons.filter(({ validatorPermit }) => validatorPermit).length;
    const axons = neurons.filter(({ axon }) => axon !== null).length;
    return [{ type: 'metagraph.read', block, epoch, neurons: neurons.length, permits, axons }];
  }
  const changes = metagraphDiff(before, after);
  if (changes.length === 0) return [];
  return [
    {
      type: 'metagraph.changed',
      fromBlock: before.block,
      block,
      neurons: neurons.length,
      counts: countChanges(changes),
    },
    { type: 'metagraph.detailed', block, changes: changes.slice(0, maxDetails) },
  ];
};

const immuneForBlocks = ({ block, hyperparameters }: SubnetSnapshot, own: Neuron): number => {
  const { immunityPeriodBlocks } = hyperparameters;
  const { blockAtRegistration } = own;
  return isImmune({ block, blockAtRegistration, immunityPeriodBlocks })
    ? blockAtRegistration + immunityPeriodBlocks - block
    : 0;
};

const ownFacts = (known: Membership, after: SubnetSnapshot): readonly MembershipFact[] => {
  const { hotkey, subnet: before, remindedAtBlock } = known;
  const { netuid, block } = after;
  const [old, now] = [ownNeuron(before, hotkey), ownNeuron(after, hotkey)];
  if (now === undefined) {
    // An endpoint that lied about heads must not silence the reminders of the next one.
    const isDue = remindedAtBlock === null || Math.abs(block - remindedAtBlock) >= remindEveryBlocks;
    return isDue ? [{ type: 'hotkey.unregistered', hotkey, netuid, block }] : [];
  }
  const isKnown = old?.uid === now.uid && old.blockAtRegistration === now.blockAtRegistration;
  if (isKnown) return [];
  return [
    {
      type: 'hotkey.registered',
      hotkey,
      netuid,
      uid: now.uid,
      block,
      registeredAtBlock: now.blockAtRegistration,
      immuneForBlocks: immuneForBlocks(after, now),
    },
  ];
};

/** What a new metagraph says to a root: its place now, and what is worth telling. */
export const seeMetagraph = (
  known: Membership,
  after: SubnetSnapshot,
): { readonly facts: readonly MembershipFact[]; readonly membership: Omit<Membership, 'hotkey'> } => {
  const facts = [...metagraphFacts(known.subnet, after), ...ownFacts(known, after)];
  const uid = ownNeuron(after, known.hotkey)?.uid ?? null;
  const isReminded = facts.some(({ type }) => type === 'hotkey.unregistered');
  const remindedAtBlock = isReminded ? after.block : known.remindedAtBlock;
  return {
    facts,
    membership: { subnet: after, uid, remindedAtBlock: uid === null ? remindedAtBlock : null },
  };
};
