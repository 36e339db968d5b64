/** The runtime APIs that clients of a subnet call. Source: pallets/subtensor/runtime-api/src/lib.rs. */
import { nextEpochBlock } from '../../domain/epoch.ts';
import { accountId } from '../chainTypes.ts';
import { apiMethod, type RuntimeApi } from '../pallet.ts';
import { option, tuple, u8, u16, u64, vec } from '../scale.ts';
import { alphaPriceRao, simSwapResult, simulateBuying, simulateSelling } from './alphaPrice.ts';
import { scheduleOf } from './epochSchedule.ts';
import { hyperparameterEntry, readHyperparameters } from './hyperparameterEntries.ts';
import { metagraphType, readMetagraph, readSelectiveMetagraph, selectiveMetagraphType } from './metagraph.ts';
import { networkLockCost } from './networks.ts';
import { readNeuron, readNeurons, readNeuronsLite } from './neuronInfo.ts';
import {
  delegatedInfo,
  delegateInfo,
  readDelegate,
  readDelegated,
  readDelegates,
  readPosition,
  readStakeInfo,
  stakeInfo,
} from './stakeInfo.ts';
import { neuronInfo, neuronInfoLite } from './structs.ts';
import {
  readSubnetHyperparams,
  readSubnetHyperparamsV2,
  subnetHyperparams,
  subnetHyperparamsV2,
} from './subnetHyperparameters.ts';
import {
  allNetuids,
  listByNetuid,
  readSubnetInfo,
  readSubnetInfoV2,
  subnetInfo,
  subnetInfoV2,
} from './subnetInfo.ts';
import { mechanismCount, subnetExists } from './subnets.ts';
import { dynamicInfo, readDynamicInfo, readSubnetState, subnetState } from './subnetViews.ts';

const subnet = { netuid: u16 };

/** Subnets one by one and all at once, as explorers and wallets list them. */
const subnetListMethods: RuntimeApi['methods'] = {
  get_subnet_info: apiMethod({
    args: subnet,
    returns: option(subnetInfo),
    handle: (ctx, { netuid }) => readSubnetInfo(ctx, netuid),
  }),
  get_subnets_info: apiMethod({
    args: {},
    returns: vec(option(subnetInfo)),
    handle: (ctx) => listByNetuid(ctx, readSubnetInfo),
  }),
  get_subnet_info_v2: apiMethod({
    args: subnet,
    returns: option(subnetInfoV2),
    handle: (ctx, { netuid }) => readSubnetInfoV2(ctx, netuid),
  }),
  get_subnets_info_v2: apiMethod({
    args: {},
    returns: vec(option(subnetInfoV2)),
    handle: (ctx) => listByNetuid(ctx, readSubnetInfoV2),
  }),
  get_all_dynamic_info: apiMethod({
    args: {},
    returns: vec(option(dynamicInfo)),
    handle: (ctx) => allNetuids(ctx).map((netuid) => readDynamicInfo(ctx, netuid)),
  }),
  get_dynamic_info: apiMethod({
    args: subnet,
    returns: option(dynamicInfo),
    handle: (ctx, { netuid }) => readDynamicInfo(ctx, netuid),
  }),
  get_subnet_state: apiMethod({
    args: subnet,
    returns: option(subnetState),
    handle: (ctx, { netuid }) => readSubnetState(ctx, netuid),
  }),
};

const metagraphMethods: RuntimeApi['methods'] = {
  get_all_metagraphs: apiMethod({
    args: {},
    returns: vec(option(metagraphType)),
    handle: (ctx) => allNetuids(ctx).map((netuid) => readMetagraph(ctx, { netuid, mechanism: 0 })),
  }),
  get_all_mechagraphs: apiMethod({
    args: {},
    returns: vec(option(metagraphType)),
    handle: (ctx) =>
      allNetuids(ctx).flatMap((netuid) =>
        Array.from({ length: mechanismCount(ctx, netuid) }, (_, mechanism) =>
          readMetagraph(ctx, { netuid, mechanism }),
        ),
      ),
  }),
  get_metagraph: apiMethod({
    args: subnet,
    returns: option(metagraphType),
    handle: (ctx, { netuid }) => readMetagraph(ctx, { netuid, mechanism: 0 }),
  }),
  get_mechagraph: apiMethod({
    args: { ...subnet, mecid: u8 },
    returns: option(metagraphType),
    handle: (ctx, { netuid, mecid }) => readMetagraph(ctx, { netuid, mechanism: mecid }),
  }),
  get_selective_metagraph: apiMethod({
    args: { ...subnet, metagraphIndexes: vec(u16) },
    returns: option(selectiveMetagraphType),
    handle: (ctx, { netuid, metagraphIndexes }) =>
      readSelectiveMetagraph(ctx, { netuid, mechanism: 0 }, metagraphIndexes),
  }),
  get_selective_mechagraph: apiMethod({
    // Only here the chain still calls it `subid`.
    args: { ...subnet, subid: u8, metagraphIndexes: vec(u16) },
    returns: option(selectiveMetagraphType),
    handle: (ctx, { netuid, subid, metagraphIndexes }) =>
      readSelectiveMetagraph(ctx, { netuid, mechanism: subid }, metagraphIndexes),
  }),
};

const hyperparameterMethods: RuntimeApi['methods'] = {
  get_subnet_hyperparams: apiMethod({
    args: subnet,
    returns: option(subnetHyperparams),
    handle: (ctx, { netuid }) => readSubnetHyperparams(ctx, netuid),
  }),
  get_subnet_hyperparams_v2: apiMethod({
    args: subnet,
    returns: option(subnetHyperparamsV2),
    handle: (ctx, { netuid }) => readSubnetHyperparamsV2(ctx, netuid),
  }),
  get_subnet_hyperparams_v3: apiMethod({
    args: subnet,
    returns: option(vec(hyperparameterEntry)),
    handle: (ctx, { netuid }) => readHyperparameters(ctx, netuid),
  }),
};

const subnetInfoApi: RuntimeApi = {
  name: 'SubnetInfoRuntimeApi',
  version: 2,
  methods: {
    ...subnetListMethods,
    ...hyperparameterMethods,
    ...metagraphMethods,
    get_next_epoch_start_block: apiMethod({
      args: subnet,
      returns: option(u64),
      handle: (ctx, { netuid }) => {
        const block = subnetExists(ctx, netuid) ? nextEpochBlock(scheduleOf(ctx, netuid)) : null;
        return block === null ? undefined : BigInt(block);
      },
    }),
  },
};

const neuronInfoApi: RuntimeApi = {
  name: 'NeuronInfoRuntimeApi',
  version: 1,
  methods: {
    get_neurons: apiMethod({
      args: subnet,
      returns: vec(neuronInfo),
      handle: (ctx, { netuid }) => readNeurons(ctx, netuid),
    }),
    get_neuron: apiMethod({
      args: { ...subnet, uid: u16 },
      returns: option(neuronInfo),
      handle: (ctx, { netuid, uid }) => readNeuron(ctx, netuid, uid),
    }),
    get_neurons_lite: apiMethod({
      args: subnet,
      returns: vec(neuronInfoLite),
      handle: (ctx, { netuid }) => readNeuronsLite(ctx, netuid),
    }),
    get_neuron_lite: apiMethod({
      args: { ...subnet, uid: u16 },
      returns: option(neuronInfoLite),
      handle: (ctx, { netuid, uid }) => readNeuron(ctx, netuid, uid),
    }),
  },
};

const stakeInfoApi: RuntimeApi = {
  name: 'StakeInfoRuntimeApi',
  version: 1,
  methods: {
    get_stake_info_for_coldkey: apiMethod({
      args: { coldkeyAccount: accountId },
      returns: vec(stakeInfo),
      handle: (ctx, { coldkeyAccount }) => readStakeInfo(ctx, coldkeyAccount),
    }),
    get_stake_info_for_coldkeys: apiMethod({
      args: { coldkeyAccounts: vec(accountId) },
      returns: vec(tuple(accountId, vec(stakeInfo))),
      handle: (ctx, { coldkeyAccounts }) =>
        coldkeyAccounts.map((coldkey) => [coldkey, readStakeInfo(ctx, coldkey)] as const),
    }),
    get_stake_info_for_hotkey_coldkey_netuid: apiMethod({
      args: { hotkeyAccount: accountId, coldkeyAccount: accountId, netuid: u16 },
      returns: option(stakeInfo),
      handle: (ctx, { hotkeyAccount, coldkeyAccount, netuid }) =>
        readPosition(ctx, { hotkey: hotkeyAccount, coldkey: coldkeyAccount, netuid }),
    }),
  },
};

const delegateInfoApi: RuntimeApi = {
  name: 'DelegateInfoRuntimeApi',
  version: 1,
  methods: {
    get_delegates: apiMethod({ args: {}, returns: vec(delegateInfo), handle: (ctx) => readDelegates(ctx) }),
    get_delegate: apiMethod({
      args: { delegateAccount: accountId },
      returns: option(delegateInfo),
      handle: (ctx, { delegateAccount }) => readDelegate(ctx, delegateAccount),
    }),
    get_delegated: apiMethod({
      args: { delegateeAccount: accountId },
      returns: vec(delegatedInfo),
      handle: (ctx, { delegateeAccount }) => readDelegated(ctx, delegateeAccount),
    }),
  },
};

const swapApi: RuntimeApi = {
  name: 'SwapRuntimeApi',
  version: 1,
  methods: {
    current_alpha_price: apiMethod({
      args: subnet,
      returns: u64,
      handle: (ctx, { netuid }) => alphaPriceRao(ctx, netuid),
    }),
    sim_swap_tao_for_alpha: apiMethod({
      args: { ...subnet, tao: u64 },
      returns: simSwapResult,
      handle: (ctx, { netuid, tao }) => simulateBuying(ctx, netuid, tao),
    }),
    sim_swap_alpha_for_tao: apiMethod({
      args: { ...subnet, alpha: u64 },
      returns: simSwapResult,
      handle: (ctx, { netuid, alpha }) => simulateSelling(ctx, netuid, alpha),
    }),
  },
};

const subnetRegistrationApi: RuntimeApi = {
  name: 'SubnetRegistrationRuntimeApi',
  version: 1,
  methods: {
    get_network_registration_cost: apiMethod({
      args: {},
      returns: u64,
      handle: (ctx) => networkLockCost(ctx),
    }),
  },
};

export const subtensorApis: readonly RuntimeApi[] = [
  subnetInfoApi,
  neuronInfoApi,
  stakeInfoApi,
  delegateInfoApi,
  subnetRegistrationApi,
  swapApi,
];
