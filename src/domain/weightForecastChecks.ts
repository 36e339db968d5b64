import type { Retry } from './failures.ts';
import type { Neuron } from './metagraph.ts';
import type { ForecastRequest, WeightCheck } from './weightForecast.ts';
import { missingWeights } from './weights.ts';
import type { WeightVector } from './weightVector.ts';

/** Version of timelocked commits this program writes (`CommitRevealWeightsVersion`), the one since August 2025. */
export const commitRevealVersion = 4;

/** Commits of one hotkey that may wait in one epoch (pallets/subtensor/src/subnets/weights.rs). */
const maxCommitsPerEpoch = 10;

const NEVER: Retry = { when: 'never' };

const pass = (check: string, message: string): WeightCheck => ({
  check,
  level: 'required',
  ok: true,
  message,
  retry: null,
  clearsAtBlock: null,
});

const refuse = (check: string, message: string, retry: Retry): WeightCheck => ({
  check,
  level: 'required',
  ok: false,
  message,
  retry,
  clearsAtBlock: retry.when === 'atBlock' ? retry.block : null,
});

const ownNeuron = ({ facts }: ForecastRequest): Neuron | undefined =>
  facts.subnet.neurons.find(({ hotkey }) => hotkey === facts.hotkey);

const isOwner = ({ facts }: ForecastRequest): boolean => facts.hotkey === facts.subnet.ownerHotkey;

const registration = ({ facts }: ForecastRequest, neuron: Neuron | undefined): WeightCheck => {
  const { subnet, hotkey } = facts;
  const check = 'HotKeyNotRegisteredInSubNet';
  if (neuron !== undefined) return pass(check, `registered as uid ${neuron.uid}`);
  const where = `subnet ${subnet.netuid} at block ${subnet.block}`;
  return refuse(
    check,
    `${hotkey} is not registered on ${where}: register it with \`miaoai register\``,
    NEVER,
  );
};

const stake = (request: ForecastRequest, neuron: Neuron): WeightCheck => {
  const { stakeThreshold } = request.facts.subnet.hyperparameters;
  const check = 'NotEnoughStakeToSetWeights';
  if (isOwner(request)) return pass(check, 'the owner of the subnet needs no stake');
  if (neuron.stake >= stakeThreshold) {
    return pass(check, `stake weight ${neuron.stake}, ${stakeThreshold} needed`);
  }
  const message = `stake weight ${neuron.stake} is below the threshold ${stakeThreshold}: stake more to this hotkey`;
  return refuse(check, message, { when: 'nextBlock' });
};

const versionKey = ({ facts, versionKey: own }: ForecastRequest): WeightCheck => {
  const { weightsVersionKey } = facts.subnet.hyperparameters;
  const check = 'IncorrectWeightVersionKey';
  if (weightsVersionKey === 0) return pass(check, 'the subnet asks for no version key');
  if (own >= weightsVersionKey) return pass(check, `version key ${own}, ${weightsVersionKey} needed`);
  const message = `version key ${own} is below the subnet's ${weightsVersionKey}: update this program`;
  return refuse(check, message, NEVER);
};

/** By LastUpdate, which plain weights, commits and registration move; never set is never too fast. */
const rateLimit =
  (check: 'SettingWeightsTooFast' | 'CommittingWeightsTooFast') =>
  ({ facts }: ForecastRequest, { lastUpdate }: Neuron): WeightCheck => {
    const { block, hyperparameters } = facts.subnet;
    const clearsAt = lastUpdate + hyperparameters.weightsSetRateLimitBlocks;
    if (lastUpdate === 0) return pass(check, 'no weights were set before');
    const since = `last update of weights or registration in block ${lastUpdate}`;
    if (block >= clearsAt) return pass(check, `${since}, more than the rate limit ago`);
    const message = `${since}; the next weights are accepted from block ${clearsAt}`;
    return refuse(check, message, { when: 'atBlock', block: clearsAt });
  };

const isSelfWeight = (vector: WeightVector, neuron: Neuron): boolean =>
  vector.uids.length === 1 && vector.uids[0] === neuron.uid;

/**
 * Why the next epoch will give this neuron no permit by the stakes of now; null when it will. Permits go to the largest
 * stake weights that reach the threshold and are not 0; of equal ones the lower uid loses (epoch/math.rs, `is_topk_nonzero`).
 */
const stakeForPermit = ({ facts }: ForecastRequest, { uid, stake: own }: Neuron): string | null => {
  const { neurons, hyperparameters } = facts.subnet;
  const { maxAllowedValidators, stakeThreshold } = hyperparameters;
  if (own === 0) return 'without stake there is none, stake to this hotkey';
  if (own < stakeThreshold) return `stake weight ${own} is below the threshold ${stakeThreshold}, stake more`;
  const larger = neurons
    .filter((other) => other.stake > own || (other.stake === own && other.uid > uid))
    .map((other) => other.stake)
    .sort((a, b) => b - a);
  const least = larger[maxAllowedValidators - 1];
  return least === undefined ? null : `stake weight ${own} is not enough, the last of them has ${least}`;
};

const permit = (request: ForecastRequest, neuron: Neuron): WeightCheck => {
  const check = 'NeuronNoValidatorPermit';
  const { vector = null, facts } = request;
  if (neuron.validatorPermit) return pass(check, `uid ${neuron.uid} has a validator permit`);
  if (isOwner(request)) return pass(check, 'the owner of the subnet needs no permit');
  if (vector !== null && isSelfWeight(vector, neuron)) return pass(check, 'a self-weight needs no permit');
  const { nextEpochBlock: block, hyperparameters } = facts.subnet;
  const given = `uid ${neuron.uid} has no validator permit; permits are given again in block ${block}, to the ${hyperparameters.maxAllowedValidators} with most stake`;
  const lacking = stakeForPermit(request, neuron);
  if (lacking === null) return refuse(check, `${given}, this one among them`, { when: 'atBlock', block });
  const refusal = refuse(check, `${given}: ${lacking}`, { when: 'atBlock', block });
  // Worth another look in each epoch, but no block gives a permit to a stake that is too small.
  return { ...refusal, clearsAtBlock: null };
};

/** What is wrong with the lists themselves, in the pallet's order. */
const shapeFault = (
  { uids, values }: WeightVector,
  size: number,
): readonly [check: string, message: string] | null => {
  if (uids.length !== values.length) {
    return ['WeightVecNotEqualSize', `${uids.length} uids for ${values.length} weights`];
  }
  if (uids.length > size) return ['UidsLengthExceedUidsInSubNet', `${uids.length} weights for ${size} uids`];
  if (new Set(uids).size !== uids.length) return ['DuplicateUids', 'a uid appears twice'];
  const unknown = uids.find((uid) => uid >= size);
  return unknown === undefined ? null : ['UidVecContainInvalidOne', `uid ${unknown} does not exist`];
};

const shape = ({ facts, vector = null }: ForecastRequest, neuron: Neuron): WeightCheck => {
  const { neurons, hyperparameters } = facts.subnet;
  const { minAllowedWeights } = hyperparameters;
  const minimum = Math.min(minAllowedWeights, neurons.length);
  const check = 'WeightVecLengthIsLow';
  if (vector === null)
    return pass(check, `weights have to name at least ${minimum} of ${neurons.length} uids`);
  const fault = shapeFault(vector, neurons.length);
  if (fault !== null) return refuse(...fault, NEVER);
  const { length } = vector.uids;
  const given = { vector, minAllowedWeights, neurons: neurons.length, ownUid: neuron.uid };
  if (missingWeights(given) === 0) return pass(check, `${length} weights, ${minimum} needed`);
  return refuse(check, `${length} weights, the subnet demands at least ${minimum}`, NEVER);
};

/** A commit names a round of the beacon, which the chain must know. */
const beacon = ({ facts }: ForecastRequest): WeightCheck => {
  const check = 'BeaconMissing';
  if (facts.beacon !== null) return pass(check, 'the runtime follows a randomness beacon');
  const message =
    'commit-reveal is on, but this runtime has no randomness beacon: the owner has to turn it off';
  return refuse(check, message, NEVER);
};

const commitVersion = ({ facts }: ForecastRequest): WeightCheck => {
  const { commitRevealVersion: asked } = facts.subnet.hyperparameters;
  const check = 'IncorrectCommitRevealVersion';
  if (asked === commitRevealVersion) return pass(check, `commits of version ${asked}`);
  const message = `the chain asks for commits of version ${asked}, this program writes version ${commitRevealVersion}: update this program`;
  return refuse(check, message, NEVER);
};

const pendingCommits = ({ facts }: ForecastRequest): WeightCheck => {
  const { epochIndex, nextEpochBlock } = facts.subnet;
  const waiting = facts.waitingCommits.filter(({ epoch }) => epoch === epochIndex).length;
  const check = 'TooManyUnrevealedCommits';
  const count = `${waiting} of ${maxCommitsPerEpoch} commits of this epoch are taken`;
  if (waiting < maxCommitsPerEpoch) return pass(check, count);
  return refuse(check, `${count}; the next are accepted from block ${nextEpochBlock}`, {
    when: 'atBlock',
    block: nextEpochBlock,
  });
};

type Check = (request: ForecastRequest, neuron: Neuron) => WeightCheck;
/** Checks that need no neuron are made for unregistered hotkeys too: worth knowing before paying for a uid. */
type SubnetCheck = (request: ForecastRequest) => WeightCheck;
type Step = { readonly ofNeuron: Check } | { readonly ofSubnet: SubnetCheck };

/**
 * Registration first: nothing is known of the stake, permit or rate of a hotkey without a uid, and the pool's own
 * first check, stake, needs the uid here.
 */
const inOrder = (request: ForecastRequest, steps: readonly Step[]): readonly WeightCheck[] => {
  const neuron = ownNeuron(request);
  const made = steps.map((step) => {
    if ('ofSubnet' in step) return step.ofSubnet(request);
    return neuron === undefined ? null : step.ofNeuron(request, neuron);
  });
  return [registration(request, neuron), ...made.filter((check) => check !== null)];
};

/** `set_mechanism_weights`: pool (stake, rate limit), then dispatch. */
export const plainChecks = (request: ForecastRequest): readonly WeightCheck[] =>
  inOrder(request, [
    { ofNeuron: stake },
    { ofNeuron: rateLimit('SettingWeightsTooFast') },
    { ofSubnet: versionKey },
    { ofNeuron: permit },
    { ofNeuron: shape },
  ]);

/**
 * `commit_timelocked_mechanism_weights`: pool (stake, reveal round), dispatch (version, rate limit, waiting commits),
 * then what the chain asks when it reveals: a commit that fails there is dropped without a word.
 */
export const commitChecks = (request: ForecastRequest): readonly WeightCheck[] =>
  inOrder(request, [
    { ofNeuron: stake },
    { ofSubnet: beacon },
    { ofSubnet: commitVersion },
    { ofNeuron: rateLimit('CommittingWeightsTooFast') },
    { ofSubnet: pendingCommits },
    { ofSubnet: versionKey },
    { ofNeuron: permit },
    { ofNeuron: shape },
  ]);
