import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import { Hotkey, type Netuid } from '../domain/ids.ts';
import type { Head } from '../domain/metagraph.ts';
import { ChainMalformed, ChainUnsupported } from './errors.ts';
import {
  AxonInfo,
  decodeSelected,
  list,
  mechagraphSelection,
  metagraphSelection,
  NeuronFields,
  netuidBytes,
  type Selected,
  SubnetFields,
} from './metagraphFields.ts';
import { callRuntimeApi, decodeWith, readStorage, type StorageItem } from './reads.ts';
import type { Rpc } from './rpc.ts';
import type { Runtime, RuntimeVersion } from './runtime.ts';

/** Where and when a subnet is read. */
export type SubnetSource = {
  readonly rpc: Rpc;
  readonly runtime: Runtime;
  readonly netuid: Netuid;
  readonly head: Head;
};

const PALLET = 'SubtensorModule';
const METAGRAPH_API = 'SubnetInfoRuntimeApi';
const NEURON_API = 'NeuronInfoRuntimeApi';

/** Calls that give everything at once, cheapest first; each runtime has those of its time and all later ones. */
const METAGRAPH_CALLS: readonly {
  readonly method: string;
  readonly argument: (netuid: Netuid) => Uint8Array;
}[] = [
  { method: 'get_selective_mechagraph', argument: mechagraphSelection },
  { method: 'get_selective_metagraph', argument: metagraphSelection },
  { method: 'get_metagraph', argument: netuidBytes },
];

const noSubnet = (netuid: Netuid): ChainUnsupported =>
  new ChainUnsupported({
    message: `subnet ${netuid} does not exist on this chain: check NETUID and SUBTENSOR_NETWORK`,
  });

const ask = ({ rpc, runtime, netuid, head }: SubnetSource, api: string, method: string) =>
  callRuntimeApi({
    rpc,
    runtime,
    blockHash: head.blockHash,
    api,
    method,
    argument: METAGRAPH_CALLS.find((call) => call.method === method)?.argument(netuid) ?? netuidBytes(netuid),
  });

const ruleItems = (netuid: Netuid): readonly StorageItem[] =>
  [
    'SubnetOwnerHotkey',
    'Tempo',
    'MinAllowedWeights',
    'WeightsVersionKey',
    'WeightsSetRateLimit',
    'ActivityCutoff',
    'MaxAllowedValidators',
    'SubnetworkN',
    'MaxAllowedUids',
    'ImmunityPeriod',
    'ServingRateLimit',
    'CommitRevealWeightsEnabled',
    'RevealPeriodEpochs',
  ].map((item) => ({ pallet: PALLET, item, args: [netuid] }));

/** Rules from storage, under the names of the metagraph calls. */
const readRules = Effect.fnUntraced(function* (source: SubnetSource) {
  const { netuid, head } = source;
  const stored = yield* readStorage({ ...source, blockHash: head.blockHash, items: ruleItems(netuid) });
  const [ownerHotkey, tempo, minAllowedWeights, weightsVersion, weightsRateLimit, ...more] = stored;
  const [activityCutoff, maxValidators, numUids, maxUids, immunityPeriod, servingRateLimit, ...last] = more;
  const [commitRevealWeightsEnabled, commitRevealPeriod] = last;
  return yield* decodeRules({
    netuid,
    block: head.block,
    ownerHotkey,
    tempo,
    minAllowedWeights,
    weightsVersion,
    weightsRateLimit,
    activityCutoff,
    maxValidators,
    numUids,
    maxUids,
    immunityPeriod,
    servingRateLimit,
    commitRevealWeightsEnabled,
    commitRevealPeriod,
  });
});
const decodeRules = decodeWith(SubnetFields, 'subnet storage');
const decodeState = decodeWith(NeuronFields, 'get_subnet_state');
const decodeLite = decodeWith(
  list(Schema.Struct({ hotkey: Hotkey, uid: Schema.Int, axonInfo: AxonInfo })),
  'get_neurons_lite',
);

/**
 * The first runtimes with a stake per subnet have no metagraph call: lists from `get_subnet_state`, addresses from
 * `get_neurons_lite`, rules from storage. The stake that `get_neurons_lite` shows is not the stake weight, so runtimes
 * without `get_subnet_state` are not read at all.
 */
const readPieces = Effect.fnUntraced(function* (source: SubnetSource) {
  const state = yield* ask(source, METAGRAPH_API, 'get_subnet_state');
  if (state === null) return yield* noSubnet(source.netuid);
  const lists = yield* decodeState(state);
  const neurons = yield* decodeLite(yield* ask(source, NEURON_API, 'get_neurons_lite'));
  if (neurons.some(({ uid, hotkey }, index) => uid !== index || lists.hotkeys[index] !== hotkey)) {
    return yield* new ChainMalformed({
      operation: 'get_neurons_lite',
      detail: 'its neurons are not those of get_subnet_state',
    });
  }
  const rules = yield* readRules(source);
  return { ...rules, ...lists, axons: neurons.map(({ axonInfo }) => axonInfo) } satisfies Selected;
});

const noWay = ({ specName, specVersion }: RuntimeVersion): ChainUnsupported =>
  new ChainUnsupported({
    message:
      `the metadata of runtime ${specName} ${specVersion} has none of ` +
      `${METAGRAPH_CALLS.map(({ method }) => method).join(', ')} or get_subnet_state: ` +
      'update this program or the chain',
  });

/** Lists and rules of a subnet by the best call that the runtime has. */
export const readSelected = Effect.fnUntraced(function* (source: SubnetSource) {
  const { runtime, netuid } = source;
  const call = METAGRAPH_CALLS.find(({ method }) => runtime.hasApi(METAGRAPH_API, method));
  if (call !== undefined) {
    const answer = yield* ask(source, METAGRAPH_API, call.method);
    return answer === null ? yield* noSubnet(netuid) : yield* decodeSelected(answer);
  }
  const hasPieces =
    runtime.hasApi(METAGRAPH_API, 'get_subnet_state') && runtime.hasApi(NEURON_API, 'get_neurons_lite');
  return hasPieces ? yield* readPieces(source) : yield* noWay(runtime.version);
});
