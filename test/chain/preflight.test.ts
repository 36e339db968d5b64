import { describe, expect, it } from 'vitest';
import { preflightWeights, type WeightsRequest } from '#src/chain/preflight.ts';
import type { Neuron, SubnetSnapshot } from '#src/domain/metagraph.ts';

const OWN = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const OTHER = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';

const neuron = (uid: number, hotkey: string, changes: Partial<Neuron> = {}): Neuron => ({
  uid,
  hotkey,
  coldkey: hotkey,
  axon: null,
  active: true,
  validatorPermit: true,
  lastUpdate: 100,
  blockAtRegistration: 10,
  stake: 1_000,
  incentive: 0,
  dividends: 0,
  consensus: 0,
  validatorTrust: 0,
  emissionRao: 0,
  ...changes,
});

const subnet = (
  own: Partial<Neuron> = {},
  rules: Partial<SubnetSnapshot['hyperparameters']> = {},
  changes: Partial<SubnetSnapshot> = {},
): SubnetSnapshot => ({
  netuid: 86,
  block: 200,
  blockHash: '0x00',
  specVersion: 425,
  epochIndex: 1,
  lastEpochBlock: 180,
  nextEpochBlock: 280,
  ownerHotkey: null,
  hyperparameters: {
    tempo: 100,
    weightsVersionKey: 2_208,
    weightsSetRateLimitBlocks: 100,
    minAllowedWeights: 1,
    commitRevealWeightsEnabled: false,
    commitRevealVersion: 4,
    revealPeriodEpochs: 1,
    activityCutoffBlocks: 5_000,
    immunityPeriodBlocks: 5_000,
    maxAllowedUids: 256,
    minNonImmuneUids: 10,
    adminFreezeWindowBlocks: 10,
    maxAllowedValidators: 64,
    servingRateLimitBlocks: 50,
    stakeThreshold: 1_000,
    ...rules,
  },
  neurons: [neuron(0, OTHER), neuron(1, OWN, own)],
  ...changes,
});

const judge = (state: SubnetSnapshot, request: Partial<WeightsRequest> = {}) =>
  preflightWeights({
    subnet: state,
    hotkey: OWN,
    vector: { uids: [0], values: [65_535] },
    versionKey: 2_208,
    ...request,
  });

describe('chain / preflight', () => {
  it('passes weights that every check accepts', () => {
    expect(judge(subnet())).toEqual({ ok: true, value: undefined });
  });

  it.each([
    [
      'an unregistered hotkey',
      judge(subnet({}, {}, { neurons: [neuron(0, OTHER)] })),
      'HotKeyNotRegisteredInSubNet',
      'never',
    ],
    [
      'commit-reveal',
      judge(subnet({}, { commitRevealWeightsEnabled: true })),
      'CommitRevealEnabled',
      'never',
    ],
    ['too little stake', judge(subnet({ stake: 999.9 })), 'NotEnoughStakeToSetWeights', 'nextBlock'],
    ['an old version key', judge(subnet(), { versionKey: 2_207 }), 'IncorrectWeightVersionKey', 'never'],
    [
      'lists of different length',
      judge(subnet(), { vector: { uids: [0], values: [] } }),
      'WeightVecNotEqualSize',
      'never',
    ],
    [
      'more weights than uids',
      judge(subnet(), { vector: { uids: [0, 1, 2], values: [1, 2, 3] } }),
      'UidsLengthExceedUidsInSubNet',
      'never',
    ],
    ['a uid twice', judge(subnet(), { vector: { uids: [0, 0], values: [1, 2] } }), 'DuplicateUids', 'never'],
    [
      'an unknown uid',
      judge(subnet(), { vector: { uids: [0, 9], values: [1, 2] } }),
      'UidVecContainInvalidOne',
      'never',
    ],
    ['too few weights', judge(subnet({}, { minAllowedWeights: 2 })), 'WeightVecLengthIsLow', 'never'],
  ])('names %s', (_name, outcome, check, when) => {
    expect(outcome).toMatchObject({ ok: false, error: { _tag: 'Refused', check, retry: { when } } });
  });

  it('tells the block at which the rate limit clears', () => {
    expect(judge(subnet({ lastUpdate: 150 }))).toMatchObject({
      error: { check: 'SettingWeightsTooFast', retry: { when: 'atBlock', block: 250 } },
    });
    expect(judge(subnet({ lastUpdate: 150 }, {}, { block: 249 })).ok).toBe(false);
    expect(judge(subnet({ lastUpdate: 150 }, {}, { block: 250 })).ok).toBe(true);
    expect(judge(subnet({ lastUpdate: 0 }, {}, { block: 5 })).ok).toBe(true);
  });

  it('waits for the next epoch when the permit is missing', () => {
    expect(judge(subnet({ validatorPermit: false }))).toMatchObject({
      error: { check: 'NeuronNoValidatorPermit', retry: { when: 'atBlock', block: 280 } },
    });
  });

  it('lets the owner pass without permit and stake', () => {
    expect(judge(subnet({ validatorPermit: false, stake: 0 }, {}, { ownerHotkey: OWN })).ok).toBe(true);
  });

  it('lets a self-weight pass without permit and with fewer weights than asked', () => {
    const vector = { uids: [1], values: [65_535] };
    expect(judge(subnet({ validatorPermit: false }, { minAllowedWeights: 2 }), { vector }).ok).toBe(true);
  });

  it('asks for no more weights than there are uids', () => {
    const vector = { uids: [0, 1], values: [1, 65_535] };
    expect(judge(subnet({}, { minAllowedWeights: 1_024 }), { vector }).ok).toBe(true);
  });

  it('names the first failing check in the order of the chain', () => {
    const broken = subnet({ stake: 0, validatorPermit: false, lastUpdate: 199 }, { minAllowedWeights: 2 });
    const checks: string[] = [];
    const state = { ...broken, neurons: [...broken.neurons] };
    for (const fix of [{}, { stake: 2_000 }, { lastUpdate: 1 }, { validatorPermit: true }]) {
      const own = { ...(state.neurons[1] ?? neuron(1, OWN)), ...fix };
      state.neurons[1] = own;
      const outcome = judge(state);
      checks.push(outcome.ok || outcome.error._tag !== 'Refused' ? 'none' : outcome.error.check);
    }
    expect(checks).toEqual([
      'NotEnoughStakeToSetWeights',
      'SettingWeightsTooFast',
      'NeuronNoValidatorPermit',
      'WeightVecLengthIsLow',
    ]);
  });
});
