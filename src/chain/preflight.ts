import type { Retry, SubmitFailure } from '../domain/failures.ts';
import type { Hotkey } from '../domain/ids.ts';
import type { Neuron, SubnetSnapshot } from '../domain/metagraph.ts';
import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import type { WeightVector } from '../domain/weightVector.ts';

/** Everything a weights submission is judged by; all chain facts are of one block. */
export type WeightsRequest = {
  readonly subnet: SubnetSnapshot;
  readonly hotkey: Hotkey;
  readonly vector: WeightVector;
  readonly versionKey: number;
};

type Check = { readonly check: string; readonly message: string; readonly retry: Retry };

const NEVER: Retry = { when: 'never' };

const registration = ({ subnet, hotkey }: WeightsRequest): Check => ({
  check: 'HotKeyNotRegisteredInSubNet',
  message: `${hotkey} is not registered on subnet ${subnet.netuid} at block ${subnet.block}: register it again`,
  retry: NEVER,
});

const stake = ({ subnet }: WeightsRequest, neuron: Neuron): Check | null => {
  const { stakeThreshold } = subnet.hyperparameters;
  // The owner's hotkey is exempt.
  if (neuron.hotkey === subnet.ownerHotkey || neuron.stake >= stakeThreshold) return null;
  return {
    check: 'NotEnoughStakeToSetWeights',
    message: `stake weight ${neuron.stake} is below the threshold ${stakeThreshold}: stake more to this hotkey`,
    retry: { when: 'nextBlock' },
  };
};

const version = ({ subnet, versionKey }: WeightsRequest): Check | null => {
  const { weightsVersionKey } = subnet.hyperparameters;
  if (weightsVersionKey === 0 || versionKey >= weightsVersionKey) return null;
  return {
    check: 'IncorrectWeightVersionKey',
    message: `version key ${versionKey} is below the subnet's ${weightsVersionKey}: update this program`,
    retry: NEVER,
  };
};

const rateLimit = ({ subnet }: WeightsRequest, neuron: Neuron): Check | null => {
  const clearsAt = neuron.lastUpdate + subnet.hyperparameters.weightsSetRateLimitBlocks;
  if (neuron.lastUpdate === 0 || subnet.block >= clearsAt) return null;
  return {
    check: 'SettingWeightsTooFast',
    message: `weights were set in block ${neuron.lastUpdate}; the next are accepted from block ${clearsAt}`,
    retry: { when: 'atBlock', block: clearsAt },
  };
};

const permit = ({ subnet, vector }: WeightsRequest, neuron: Neuron): Check | null => {
  const isSelfWeight = vector.uids.length === 1 && vector.uids[0] === neuron.uid;
  if (isSelfWeight || neuron.validatorPermit || neuron.hotkey === subnet.ownerHotkey) return null;
  return {
    check: 'NeuronNoValidatorPermit',
    message: `uid ${neuron.uid} has no validator permit; permits are given again in block ${subnet.nextEpochBlock}`,
    retry: { when: 'atBlock', block: subnet.nextEpochBlock },
  };
};

const unusable = (check: string, message: string): Check => ({ check, message, retry: NEVER });

/** The vector itself, in the pallet's order. */
const shape = ({ subnet, vector }: WeightsRequest, neuron: Neuron): Check | null => {
  const { uids, values } = vector;
  const size = subnet.neurons.length;
  if (uids.length !== values.length) {
    return unusable('WeightVecNotEqualSize', `${uids.length} uids for ${values.length} weights`);
  }
  if (uids.length > size) {
    return unusable('UidsLengthExceedUidsInSubNet', `${uids.length} weights for ${size} uids`);
  }
  if (new Set(uids).size !== uids.length) return unusable('DuplicateUids', 'a uid appears twice');
  const unknown = uids.find((uid) => uid >= size);
  if (unknown !== undefined) return unusable('UidVecContainInvalidOne', `uid ${unknown} does not exist`);
  const isSelfWeight = uids.length === 1 && uids[0] === neuron.uid;
  const minimum = Math.min(subnet.hyperparameters.minAllowedWeights, size);
  if (isSelfWeight || uids.length >= minimum) return null;
  return unusable('WeightVecLengthIsLow', `${uids.length} weights, the subnet demands at least ${minimum}`);
};

/**
 * Would the chain accept these weights as a plain `set_mechanism_weights` right now? Names the first check that fails
 * and when it clears, in the order of the pallet (subtensor subnets/weights.rs), so that nothing is sent in vain.
 * The block counts as the snapshot's: a passing rate limit holds in every later block as well.
 */
export const preflightWeights = (request: WeightsRequest): Outcome<void, SubmitFailure> => {
  const neuron = request.subnet.neurons.find(({ hotkey }) => hotkey === request.hotkey);
  const failing =
    neuron === undefined
      ? registration(request)
      : request.subnet.hyperparameters.commitRevealWeightsEnabled
        ? unusable(
            'CommitRevealEnabled',
            'this subnet takes weights by commit-reveal only; support for it arrives with the next version',
          )
        : (stake(request, neuron) ??
          version(request) ??
          rateLimit(request, neuron) ??
          permit(request, neuron) ??
          shape(request, neuron));
  return failing === null ? succeed(undefined) : fail({ _tag: 'Refused', ...failing });
};
