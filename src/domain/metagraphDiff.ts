import type { BlockNumber, Hotkey, Uid } from './ids.ts';
import type { Axon, Hyperparameters, Neuron, SubnetSnapshot } from './metagraph.ts';

/**
 * What became of a subnet between two of its snapshots. Neurons are told apart by hotkey: a uid is given to another
 * hotkey when its neuron is pruned, and the uids of a subnet may be renumbered.
 */
export type MetagraphChange =
  /** A hotkey that was not there, at a uid that nobody had. */
  | { readonly type: 'registered'; readonly hotkey: Hotkey; readonly uid: Uid }
  /** A hotkey that was not there, at a uid that another one had; what became of that one is a change of its own. */
  | { readonly type: 'replaced'; readonly hotkey: Hotkey; readonly uid: Uid; readonly former: Hotkey }
  /** Gone and come back between the two snapshots: its registration is a new one. */
  | { readonly type: 'reregistered'; readonly hotkey: Hotkey; readonly uid: Uid; readonly block: BlockNumber }
  | { readonly type: 'moved'; readonly hotkey: Hotkey; readonly from: Uid; readonly to: Uid }
  | { readonly type: 'left'; readonly hotkey: Hotkey; readonly uid: Uid }
  | { readonly type: 'permitGained' | 'permitLost'; readonly hotkey: Hotkey; readonly uid: Uid }
  | {
      readonly type: 'axonChanged';
      readonly hotkey: Hotkey;
      readonly uid: Uid;
      readonly from: Axon | null;
      readonly to: Axon | null;
    }
  | {
      readonly type: 'ruleChanged';
      readonly rule: keyof Hyperparameters;
      readonly from: number | boolean;
      readonly to: number | boolean;
    };

/** How many changes there were of each kind; kinds without any are left out. */
export type ChangeCounts = { readonly [Type in MetagraphChange['type']]?: number };

const isSameAxon = (one: Axon | null, other: Axon | null): boolean =>
  one?.ip === other?.ip && one?.port === other?.port;

/** What is new about a hotkey that is in both snapshots. */
const changesOf = (old: Neuron, now: Neuron): readonly MetagraphChange[] => {
  const { hotkey, uid } = now;
  const changes: MetagraphChange[] = [];
  if (old.uid !== uid) changes.push({ type: 'moved', hotkey, from: old.uid, to: uid });
  if (old.blockAtRegistration !== now.blockAtRegistration) {
    changes.push({ type: 'reregistered', hotkey, uid, block: now.blockAtRegistration });
  }
  if (old.validatorPermit !== now.validatorPermit) {
    changes.push({ type: now.validatorPermit ? 'permitGained' : 'permitLost', hotkey, uid });
  }
  if (!isSameAxon(old.axon, now.axon)) {
    changes.push({ type: 'axonChanged', hotkey, uid, from: old.axon, to: now.axon });
  }
  return changes;
};

const arrivalOf = ({ hotkey, uid }: Neuron, former: Neuron | undefined): MetagraphChange =>
  former === undefined
    ? { type: 'registered', hotkey, uid }
    : { type: 'replaced', hotkey, uid, former: former.hotkey };

const ruleNames = (rules: Hyperparameters): readonly (keyof Hyperparameters)[] =>
  Object.keys(rules) as (keyof Hyperparameters)[];

/**
 * Changes from one snapshot of a subnet to another, in uid order, then who left, then the rules. Scores, stake and
 * the like change at every epoch and are none of them. Empty for two snapshots of the same state.
 */
export const metagraphDiff = (before: SubnetSnapshot, after: SubnetSnapshot): readonly MetagraphChange[] => {
  const old = new Map(before.neurons.map((neuron) => [neuron.hotkey, neuron]));
  const present = new Set(after.neurons.map(({ hotkey }) => hotkey));
  const formerAt = new Map(before.neurons.map((neuron) => [neuron.uid, neuron]));
  const [was, is] = [before.hyperparameters, after.hyperparameters];
  return [
    ...after.neurons.flatMap((neuron) => {
      const known = old.get(neuron.hotkey);
      return known === undefined ? [arrivalOf(neuron, formerAt.get(neuron.uid))] : changesOf(known, neuron);
    }),
    ...before.neurons
      .filter(({ hotkey }) => !present.has(hotkey))
      .map(({ hotkey, uid }): MetagraphChange => ({ type: 'left', hotkey, uid })),
    ...ruleNames(is)
      .filter((rule) => was[rule] !== is[rule])
      .map((rule): MetagraphChange => ({ type: 'ruleChanged', rule, from: was[rule], to: is[rule] })),
  ];
};

export const countChanges = (changes: readonly MetagraphChange[]): ChangeCounts => {
  const counts: { [Type in MetagraphChange['type']]?: number } = {};
  for (const { type } of changes) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
};
