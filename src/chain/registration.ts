import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import type { SubmitFailure } from '../domain/failures.ts';
import { type BlockNumber, Hotkey, type Netuid, Uid } from '../domain/ids.ts';
import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import { retryOfCheck, withAdvice } from './checks.ts';
import type { Call, PreparedExtrinsic } from './extrinsics.ts';
import type { SubnetSource } from './metagraph.ts';
import { callRuntimeApi, decodeWith, readStorage, type StorageItem, Unsigned } from './reads.ts';
import type { Runtime } from './runtime.ts';

const PALLET = 'SubtensorModule';
const LIMITED_CALL = 'register_limit';
const ROOT: Netuid = 0;
/** What an absent owner reads as. */
const ZERO_ACCOUNT = '5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM';

/** What registering a hotkey takes, at one block. Amounts are rao: 1e9 of them are one TAO. */
export type RegistrationTerms = {
  readonly netuid: Netuid;
  readonly block: BlockNumber;
  readonly subnetExists: boolean;
  /** The owner can close a subnet to new neurons. */
  readonly isOpen: boolean;
  /** Burned by the next registration; halves every 360 blocks and rises by a quarter with each registration. */
  readonly priceRao: bigint;
  readonly minPriceRao: bigint;
  readonly maxPriceRao: bigint;
  /** Whether the chain itself refuses a price above a limit that the call names (`register_limit`). */
  readonly keepsToLimit: boolean;
  /** Free balance of the coldkey. */
  readonly balanceRao: bigint;
  /** What must stay on the coldkey: the existential deposit, or what is frozen where that is more. */
  readonly untouchableRao: bigint;
  /** Uid of the hotkey if it is registered already. */
  readonly uid: Uid | null;
  /** Coldkey that owns the hotkey; null for a hotkey that no coldkey ever registered. */
  readonly ownerColdkey: string | null;
  readonly neurons: number;
  readonly maxNeurons: number;
  /** Blocks in which a new neuron cannot be replaced. */
  readonly immunityPeriodBlocks: number;
};

const Terms = Schema.Tuple([
  Schema.Boolean,
  Schema.Boolean,
  Unsigned,
  Unsigned,
  Unsigned,
  // Runtimes from before `frozen` name it otherwise; what they then refuse costs a fee and nothing else.
  Schema.Struct({ data: Schema.Struct({ free: Unsigned, frozen: Schema.optionalKey(Unsigned) }) }),
  Schema.NullOr(Uid),
  Hotkey,
  Schema.Int,
  Schema.Int,
  Schema.Int,
]);
const decodeTerms = decodeWith(Terms, 'read the terms of registration');
const decodeDeposit = decodeWith(Unsigned, 'read Balances.ExistentialDeposit');

const termItems = (netuid: Netuid, hotkey: Hotkey, coldkey: string): readonly StorageItem[] => {
  const ofSubnet = (item: string): StorageItem => ({ pallet: PALLET, item, args: [netuid] });
  return [
    ofSubnet('NetworksAdded'),
    ofSubnet('NetworkRegistrationAllowed'),
    ofSubnet('Burn'),
    ofSubnet('MinBurn'),
    ofSubnet('MaxBurn'),
    { pallet: 'System', item: 'Account', args: [coldkey] },
    { pallet: PALLET, item: 'Uids', args: [netuid, hotkey] },
    { pallet: PALLET, item: 'Owner', args: [hotkey] },
    ofSubnet('SubnetworkN'),
    ofSubnet('MaxAllowedUids'),
    ofSubnet('ImmunityPeriod'),
  ];
};

const larger = (one: bigint, other: bigint): bigint => (one > other ? one : other);

/** Price, rules and means of registering `hotkey` with `coldkey`, all at one block. */
export const readRegistration = Effect.fn('chain.readRegistration')(function* (
  source: SubnetSource,
  { hotkey, coldkey }: { readonly hotkey: Hotkey; readonly coldkey: string },
) {
  const { netuid, head, runtime } = source;
  const items = termItems(netuid, hotkey, coldkey);
  const stored = yield* readStorage({ ...source, blockHash: head.blockHash, items });
  const [exists, isOpen, price, min, max, account, uid, owner, ...sizes] = yield* decodeTerms(stored);
  const [neurons, maxNeurons, immunityPeriodBlocks] = sizes;
  const deposit = yield* decodeDeposit(yield* runtime.constant('Balances', 'ExistentialDeposit'));
  return {
    netuid,
    block: head.block,
    subnetExists: exists,
    isOpen,
    priceRao: BigInt(price),
    minPriceRao: BigInt(min),
    maxPriceRao: BigInt(max),
    keepsToLimit: runtime.hasCall(PALLET, LIMITED_CALL),
    balanceRao: BigInt(account.data.free),
    untouchableRao: larger(BigInt(deposit), BigInt(account.data.frozen ?? 0)),
    uid,
    ownerColdkey: owner === ZERO_ACCOUNT ? null : owner,
    neurons,
    maxNeurons,
    immunityPeriodBlocks,
  } satisfies RegistrationTerms;
});

const RAO_DIGITS = 9;

/** `1.25 TAO`. */
export const formatTao = (rao: bigint): string => {
  const digits = rao.toString().padStart(RAO_DIGITS + 1, '0');
  const fraction = digits.slice(-RAO_DIGITS).replace(/0+$/, '');
  return `${digits.slice(0, -RAO_DIGITS)}${fraction === '' ? '' : `.${fraction}`} TAO`;
};

export type RegistrationRequest = {
  readonly hotkey: Hotkey;
  readonly coldkey: string;
  /** The most to burn, rao. */
  readonly maxPriceRao: bigint;
  /** What the chain takes for the call itself, rao; not known before it is signed. */
  readonly feeRao?: bigint;
};

/** The first check that fails and why, in the chain's order; null when the chain would accept it. */
const failingCheck = (
  terms: RegistrationTerms,
  { hotkey, coldkey, maxPriceRao, feeRao = 0n }: RegistrationRequest,
): readonly [check: string, message: string] | null => {
  const { netuid, priceRao, ownerColdkey } = terms;
  if (priceRao > maxPriceRao) {
    const price = `registration costs ${formatTao(priceRao)}, the limit is ${formatTao(maxPriceRao)}`;
    return ['RegistrationPriceLimitExceeded', price];
  }
  // `burned_register` pays whatever the price is in its block; the subnet's own maximum is all that bounds it.
  if (!terms.keepsToLimit && terms.maxPriceRao > maxPriceRao) {
    const most = formatTao(terms.maxPriceRao);
    const reason = `this chain's runtime cannot keep to a limit, and its price may rise up to ${most} before the block`;
    return ['RegistrationPriceUnlimited', `${reason}: only a limit of ${most} or more is certain to hold`];
  }
  if (netuid === ROOT) return ['RegistrationNotPermittedOnRootSubnet', 'subnet 0 takes no neurons'];
  if (!terms.subnetExists) return ['SubnetNotExists', `subnet ${netuid} does not exist on this chain`];
  if (!terms.isOpen) return ['SubNetRegistrationDisabled', `subnet ${netuid} takes no new neurons`];
  if (terms.uid !== null) {
    return ['HotKeyAlreadyRegisteredInSubNet', `${hotkey} has uid ${terms.uid} on subnet ${netuid} already`];
  }
  const needed = priceRao + terms.untouchableRao + feeRao;
  if (terms.balanceRao < needed) {
    const fee = feeRao === 0n ? ' and a fee' : `, of which ${formatTao(feeRao)} are the fee`;
    const balance = `${coldkey} has ${formatTao(terms.balanceRao)}, registration takes ${formatTao(needed)}${fee}`;
    return ['NotEnoughBalanceToStake', balance];
  }
  if (ownerColdkey !== null && ownerColdkey !== coldkey) {
    return ['NonAssociatedColdKey', `${hotkey} belongs to coldkey ${ownerColdkey}, not to ${coldkey}`];
  }
  return null;
};

/**
 * Would the chain register this hotkey now, at no more than the given price? (subtensor subnets/registration.rs.)
 * Whether a full subnet has a neuron to replace is left to the chain, which says `NoNeuronIdAvailable`.
 */
export const preflightRegistration = (
  terms: RegistrationTerms,
  request: RegistrationRequest,
): Outcome<void, SubmitFailure> => {
  const failing = failingCheck(terms, request);
  if (failing === null) return succeed(undefined);
  const [check, message] = failing;
  return fail({ _tag: 'Refused', check, message: withAdvice(check, message), retry: retryOfCheck(check) });
};

/**
 * The call that registers: `register_limit`, in which the chain itself keeps to the limit, since March 2026; before
 * that `burned_register`, whose price may rise between its check here and its block.
 */
export const registrationCall = (
  runtime: Pick<Runtime, 'hasCall'>,
  netuid: Netuid,
  { hotkey, maxPriceRao }: RegistrationRequest,
): Call =>
  runtime.hasCall(PALLET, LIMITED_CALL)
    ? { pallet: PALLET, name: LIMITED_CALL, args: [netuid, hotkey, maxPriceRao] }
    : { pallet: PALLET, name: 'burned_register', args: [netuid, hotkey] };

const PAYMENT_API = 'TransactionPaymentApi';
const decodeFee = decodeWith(Schema.Struct({ partialFee: Unsigned }), `${PAYMENT_API}.query_info`);

/** The fee that the chain takes for a signed extrinsic, in rao; 0 where the runtime does not tell. */
export const readFee = Effect.fn('chain.readFee')(function* (
  { rpc, runtime, head }: SubnetSource,
  { hex }: PreparedExtrinsic,
) {
  if (!runtime.hasApi(PAYMENT_API, 'query_info')) return 0n;
  const bytes = Buffer.from(hex.slice(2), 'hex');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  const argument = Buffer.concat([bytes, length]);
  const call = { rpc, runtime, blockHash: head.blockHash, api: PAYMENT_API, method: 'query_info', argument };
  const { partialFee } = yield* decodeFee(yield* callRuntimeApi(call));
  return BigInt(partialFee);
});
