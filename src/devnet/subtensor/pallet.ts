/**
 * Pallet SubtensorModule of the embedded chain: registration, endpoints, weights, epochs with Yuma consensus, and the
 * runtime APIs that read them, as of runtime spec 425.
 */
import { type Context, constant, definePallet } from '../pallet.ts';
import { u16, u64 } from '../scale.ts';
import { batchCalls } from './batchWeights.ts';
import { decayBurnPrices } from './burnPrice.ts';
import { applyPendingChildren, childKeyCalls } from './childKeys.ts';
import { commitCalls } from './commits.ts';
import { accumulateEmission } from './emission.ts';
import { runDueEpochs } from './epochs.ts';
import { errors } from './errors.ts';
import { events } from './events.ts';
import { writeGenesis } from './genesisState.ts';
import { hashRevealCalls } from './hashReveals.ts';
import { networkCalls } from './networks.ts';
import { ownerCalls } from './ownerCalls.ts';
import { registrationCalls } from './registration.ts';
import { renewRootInterval, rootCalls } from './rootRegistration.ts';
import { subtensorApis } from './runtimeApis.ts';
import { servingCalls } from './serving.ts';
import { stakingCalls } from './staking.ts';
import { storage } from './storage.ts';
import { takeCalls } from './takes.ts';
import { revealTimelockedCommits } from './timelockReveals.ts';
import { weightsCalls } from './weights.ts';

/** The steps of a block in the chain's order. Source: pallets/subtensor/src/coinbase/block_step.rs. */
const stepBlock = (ctx: Context): void => {
  ctx.clear(storage.RegistrationsThisBlock);
  renewRootInterval(ctx);
  decayBurnPrices(ctx);
  revealTimelockedCommits(ctx);
  accumulateEmission(ctx);
  for (const netuid of runDueEpochs(ctx)) {
    applyPendingChildren(ctx, netuid);
  }
};

export const subtensorModule = definePallet({
  name: 'SubtensorModule',
  index: 7,
  crate: 'pallet_subtensor',
  storage,
  events,
  errors,
  constants: {
    InitialTempo: constant(u16, 360),
    InitialMaxAllowedUids: constant(u16, 256),
    InitialServingRateLimit: constant(u64, 50n),
  },
  calls: {
    ...weightsCalls,
    ...commitCalls,
    ...hashRevealCalls,
    ...batchCalls,
    ...servingCalls,
    ...registrationCalls,
    ...rootCalls,
    ...networkCalls,
    ...ownerCalls,
    ...stakingCalls,
    ...takeCalls,
    ...childKeyCalls,
  },
  apis: subtensorApis,
  onInitialize: stepBlock,
  genesis: writeGenesis,
});
