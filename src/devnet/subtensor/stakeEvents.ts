/** Events of stake, takes, child keys and subnets, at their positions in pallets/subtensor/src/macros/events.rs. */
import { accountId } from '../chainTypes.ts';
import { event } from '../pallet.ts';
import { tuple, u16, u64, vec } from '../scale.ts';

/** (coldkey, hotkey, TAO rao, alpha rao, netuid, fee rao) */
const staked = [accountId, accountId, u64, u64, u16, u64] as const;
/** (coldkey, hotkey, fraction of 65535) */
const take = [accountId, accountId, u16] as const;
/** (proportion of 2^64 − 1, child) */
const children = vec(tuple(u64, accountId));

export const stakeEvents = {
  StakeAdded: event(2, staked),
  StakeRemoved: event(3, staked),
  DelegateAdded: event(30, take),
  ChildKeyTakeSet: event(48, [accountId, u16]),
  TakeDecreased: event(64, take),
  TakeIncreased: event(65, take),
  /** (hotkey, netuid, block from which they count, children) */
  SetChildrenScheduled: event(75, [accountId, u16, u64, children]),
  SetChildren: event(76, [accountId, u16, children]),
  SubnetIdentitySet: event(78, [u16]),
  SubnetOwnerHotkeySet: event(94, [u16, accountId]),
  /** (netuid, first block that emits) */
  FirstEmissionBlockNumberSet: event(95, [u16, u64]),
};
