import type { Retry } from '../domain/failures.ts';

/**
 * The chain's checks by name: when the same request can be worth trying again, and what to do where the name does not
 * say it. A name is the pallet's error where there is one; the pool's own checks have the names of
 * subtensor common/src/transaction_error.rs.
 */

const NEVER: Retry = { when: 'never' };
const NEXT_BLOCK: Retry = { when: 'nextBlock' };

/**
 * `InvalidTransaction::Custom(n)` of the pool, by the name of the same check in dispatch where there is one. 255 is
 * everything else that the pool does not name.
 */
const CUSTOM_CHECKS: ReadonlyMap<number, string> = new Map([
  [0, 'ColdkeySwapAnnounced'],
  [1, 'NotEnoughStakeToSetWeights'],
  [2, 'BalanceTooLow'],
  [3, 'SubnetNotExists'],
  [4, 'HotKeyAccountNotExists'],
  [5, 'NotEnoughStakeToWithdraw'],
  [6, 'RateLimitExceeded'],
  [7, 'InsufficientLiquidity'],
  [8, 'SlippageTooHigh'],
  [9, 'TransferDisallowed'],
  [10, 'HotKeyNotRegisteredInNetwork'],
  [11, 'InvalidIpAddress'],
  [12, 'ServingRateLimitExceeded'],
  [13, 'InvalidPort'],
  [14, 'ZeroMaxAmount'],
  [15, 'InvalidRevealRound'],
  [16, 'NoWeightsCommitFound'],
  [17, 'CommitNotInRevealRange'],
  [18, 'InputLengthsUnequal'],
  [19, 'HotKeyNotRegisteredInSubNet'],
  [20, 'EvmAssociateRateLimitExceeded'],
  [21, 'ColdkeySwapDisputed'],
  [22, 'BadRealAccount'],
  [23, 'ShieldedTransactionMalformed'],
  [24, 'ShieldedKeyUnknown'],
  [25, 'NonAssociatedColdKey'],
  [26, 'DelegateTakeTooLow'],
  [27, 'DelegateTakeTooHigh'],
]);

/** Checks that can pass without anyone changing the request: time, prices, stake and a subnet's rules move. */
const PASSING: ReadonlySet<string> = new Set([
  'CommitNotInRevealRange',
  'CommitRevealDisabled',
  'CommitRevealEnabled',
  'CommittingWeightsTooFast',
  'EvmAssociateRateLimitExceeded',
  'InsufficientLiquidity',
  'InvalidRevealRound',
  'NotEnoughStakeToSetWeights',
  'RateLimitExceeded',
  'RegistrationPriceLimitExceeded',
  'ServingRateLimitExceeded',
  'SettingWeightsTooFast',
  'ShieldedKeyUnknown',
  'SlippageTooHigh',
  'SpaceLimitExceeded',
  'TooManyUnrevealedCommits',
  'TxRateLimitExceeded',
]);

const REGISTER = 'register the hotkey on this subnet (miaoai register)';
const TOO_FAST = 'the last weights or commit of this hotkey are too recent, it is tried again';
const OTHER_RULES =
  'the subnet changed its commit-reveal rule; the weights are signed anew by the present one';
const FUND = 'send TAO to the coldkey';
const SWAP = 'the coldkey is being swapped, and the chain takes nothing else from it until that is settled';

const ADVICE: ReadonlyMap<string, string> = new Map([
  ['AccountNotAllowedCommit', REGISTER],
  ['BalanceTooLow', FUND],
  ['ColdkeySwapAnnounced', SWAP],
  ['ColdkeySwapDisputed', SWAP],
  ['CommitRevealDisabled', OTHER_RULES],
  ['CommitRevealEnabled', OTHER_RULES],
  ['CommittingWeightsTooFast', TOO_FAST],
  ['HotKeyAlreadyRegisteredInSubNet', 'nothing is left to do'],
  ['HotKeyNotRegisteredInNetwork', REGISTER],
  ['HotKeyNotRegisteredInSubNet', REGISTER],
  ['IncorrectCommitRevealVersion', 'update this program'],
  ['IncorrectWeightVersionKey', 'update this program'],
  [
    'InvalidIpAddress',
    'set AXON_IP to an address that validators can reach; this chain takes no loopback address (127.0.0.1, ::1)',
  ],
  ['InvalidPort', 'set AXON_PORT to a port between 1 and 65535'],
  ['InvalidRevealRound', 'its round is open already; the weights are locked anew to a later one'],
  ['NeuronNoValidatorPermit', 'only uids with a validator permit set weights: stake more to this hotkey'],
  ['NoNeuronIdAvailable', 'every neuron of the subnet is immune for now: try again later'],
  [
    'NonAssociatedColdKey',
    'the hotkey belongs to another coldkey: sign with that one, or use another hotkey',
  ],
  ['NotEnoughBalanceToStake', FUND],
  ['NotEnoughStakeToSetWeights', 'stake more to this hotkey'],
  ['Payment', `${FUND}: it cannot pay the fee`],
  ['RateLimitExceeded', TOO_FAST],
  [
    'RegistrationPriceLimitExceeded',
    'the price is above the limit given: raise it, or try again later, for the price falls until somebody registers',
  ],
  ['ServingRateLimitExceeded', 'the endpoint was changed a short time ago, it is tried again'],
  ['SettingWeightsTooFast', TOO_FAST],
  ['SpaceLimitExceeded', 'the hotkey has used up its bytes for commitments in this epoch'],
  ['SubNetRegistrationDisabled', 'the owner of the subnet has closed it'],
  ['SubnetNotExists', 'check NETUID and SUBTENSOR_NETWORK'],
  [
    'TooManyUnrevealedCommits',
    'ten commits of this hotkey wait already; the next are taken in the next epoch',
  ],
]);

/** Name of the check behind "Custom error: n"; `Custom255` and unknown ones keep their number. */
export const customCheck = (code: number): string => CUSTOM_CHECKS.get(code) ?? `Custom${code}`;

/**
 * When it can be worth trying again what a check of the pool refused. Codes without a name here may be of a newer
 * runtime: nobody can say that they last.
 */
export const retryOfCustom = (code: number): Retry =>
  CUSTOM_CHECKS.has(code) ? retryOfCheck(customCheck(code)) : NEXT_BLOCK;

/** When it can be worth trying again what failed a check in dispatch. */
export const retryOfCheck = (check: string): Retry => (PASSING.has(check) ? NEXT_BLOCK : NEVER);

/** A message with what to do next, where the name of the check does not say it. */
export const withAdvice = (check: string, message: string): string => {
  const advice = ADVICE.get(check);
  return advice === undefined ? message : `${message}: ${advice}`;
};
