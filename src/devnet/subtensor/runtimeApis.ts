/** The runtime APIs that clients of a subnet call. Source: pallets/subtensor/runtime-api/src/lib.rs. */
import { nextEpochBlock } from '../../domain/epoch.ts';
import { apiMethod, type RuntimeApi } from '../pallet.ts';
import { option, u8, u16, u64, vec } from '../scale.ts';
import { scheduleOf } from './epochs.ts';
import { hyperparameterEntry, readHyperparameters } from './hyperparameterEntries.ts';
import { metagraphType, readMetagraph, readSelectiveMetagraph, selectiveMetagraphType } from './metagraph.ts';
import { readNeuron, readNeurons, readNeuronsLite } from './neuronInfo.ts';
import { neuronInfo, neuronInfoLite } from './structs.ts';
import { subnetExists } from './subnets.ts';

const subnet = { netuid: u16 };

const subnetInfoApi: RuntimeApi = {
  name: 'SubnetInfoRuntimeApi',
  version: 2,
  methods: {
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
    get_subnet_hyperparams_v3: apiMethod({
      args: subnet,
      returns: option(vec(hyperparameterEntry)),
      handle: (ctx, { netuid }) => readHyperparameters(ctx, netuid),
    }),
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

export const subtensorApis: readonly RuntimeApi[] = [subnetInfoApi, neuronInfoApi];
