import { describe, expect, it } from 'vitest';

import type { SubmissionFacts } from '#src/domain/submissionFacts.ts';
import {
  type ForecastRequest,
  firstRefusal,
  forecastWeights,
  type WeightForecast,
} from '#src/domain/weightForecast.ts';
import { neuron } from '#test/support/machinesSubnet.ts';
import { beacon, committing, factsOf, pulseMs, waitingCommit } from '#test/support/submissionFacts.ts';

const forecast = (facts: SubmissionFacts, request: Partial<ForecastRequest> = {}): WeightForecast =>
  forecastWeights({ facts, vector: { uids: [0], values: [65_535] }, versionKey: 2_208, ...request });

const checkOf = ({ checks }: WeightForecast, name: string) => checks.find(({ check }) => check === name);
const refusals = ({ checks }: WeightForecast) =>
  checks.filter(({ level, ok }) => level === 'required' && !ok).map(({ check }) => check);

const unregistered = { subnet: { neurons: [] } };

describe('domain / weightForecast', () => {
  it.each([
    ['plain', factsOf()],
    ['commitReveal', committing()],
  ])('accepts weights that every check accepts: %s', (mode, facts) => {
    const result = forecast(facts);
    expect(result).toMatchObject({ mode, isAccepted: true, block: 200, nextAcceptedBlock: 201 });
    expect(firstRefusal(result)).toBeNull();
    expect(
      result.checks.every(({ ok, retry, clearsAtBlock }) => ok && !retry && clearsAtBlock === null),
    ).toBe(true);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });

  it.each([
    ['an unregistered hotkey', forecast(factsOf(unregistered)), 'HotKeyNotRegisteredInSubNet', 'never'],
    [
      'too little stake',
      forecast(factsOf({ neuron: { stake: 999.9 } })),
      'NotEnoughStakeToSetWeights',
      'nextBlock',
    ],
    ['an old version key', forecast(factsOf(), { versionKey: 2_207 }), 'IncorrectWeightVersionKey', 'never'],
    [
      'lists of different length',
      forecast(factsOf(), { vector: { uids: [0], values: [] } }),
      'WeightVecNotEqualSize',
      'never',
    ],
    [
      'more weights than uids',
      forecast(factsOf(), { vector: { uids: [0, 1, 2], values: [1, 2, 3] } }),
      'UidsLengthExceedUidsInSubNet',
      'never',
    ],
    [
      'a uid twice',
      forecast(factsOf(), { vector: { uids: [0, 0], values: [1, 2] } }),
      'DuplicateUids',
      'never',
    ],
    [
      'an unknown uid',
      forecast(factsOf(), { vector: { uids: [0, 9], values: [1, 2] } }),
      'UidVecContainInvalidOne',
      'never',
    ],
    [
      'too few weights',
      forecast(factsOf({ rules: { minAllowedWeights: 2 } })),
      'WeightVecLengthIsLow',
      'never',
    ],
    [
      'a commit version this program does not write',
      forecast(committing({ rules: { commitRevealVersion: 5 } })),
      'IncorrectCommitRevealVersion',
      'never',
    ],
    ['commit-reveal without a beacon', forecast(committing({ beacon: null })), 'BeaconMissing', 'never'],
  ])('names %s, and that no block clears it', (_name, result, check, when) => {
    expect(firstRefusal(result)).toMatchObject({ _tag: 'Refused', check, retry: { when } });
    expect(result).toMatchObject({ isAccepted: false, nextAcceptedBlock: null });
  });

  it.each([
    ['SettingWeightsTooFast', factsOf],
    ['CommittingWeightsTooFast', committing],
  ])('tells the block at which the rate limit clears: %s', (check, facts) => {
    const late = forecast(facts({ neuron: { lastUpdate: 150 } }));
    expect(firstRefusal(late)).toMatchObject({ check, retry: { when: 'atBlock', block: 250 } });
    expect(late.nextAcceptedBlock).toBe(250);
    const at = (block: number) => forecast(facts({ neuron: { lastUpdate: 150 }, subnet: { block } }));
    expect(at(249).isAccepted).toBe(false);
    expect(at(250)).toMatchObject({ isAccepted: true, nextAcceptedBlock: 251 });
    expect(forecast(facts({ neuron: { lastUpdate: 0 }, subnet: { block: 5 } })).isAccepted).toBe(true);
  });

  it('waits for the next epoch when the permit is missing', () => {
    const result = forecast(factsOf({ neuron: { validatorPermit: false } }));
    expect(firstRefusal(result)).toMatchObject({
      check: 'NeuronNoValidatorPermit',
      retry: { when: 'atBlock', block: 540 },
    });
    expect(result.nextAcceptedBlock).toBe(540);
  });

  it.each([
    ['no stake at all', { stake: 0 }, { stakeThreshold: 0 }, 'stake to this hotkey'],
    ['less stake than the others', { stake: 1_000 }, { maxAllowedValidators: 1 }, 'is not enough'],
  ])('names no block for a permit that %s will never get', (_what, stake, rules, advice) => {
    const others = [neuron(0, '5Other', 1), neuron(2, '5Third', 1)].map((one) => ({ ...one, stake: 2_000 }));
    const facts = factsOf({ neuron: { validatorPermit: false, ...stake }, rules });
    const [, own] = facts.subnet.neurons;
    if (own === undefined) throw new Error('no own neuron');
    const [first, third] = others;
    if (first === undefined || third === undefined) throw new Error('no others');
    const result = forecast({ ...facts, subnet: { ...facts.subnet, neurons: [first, own, third] } });
    expect(result).toMatchObject({ isAccepted: false, nextAcceptedBlock: null });
    expect(firstRefusal(result)).toMatchObject({
      check: 'NeuronNoValidatorPermit',
      message: expect.stringContaining(advice),
      // The machine looks again in the next epoch.
      retry: { when: 'atBlock', block: 540 },
    });
  });

  it('waits for the next epoch when ten commits of this one wait', () => {
    const ten = Array.from({ length: 10 }, (_, index) => waitingCommit({ commitHash: `0x${index}` }));
    const result = forecast(committing({ waitingCommits: ten }));
    expect(firstRefusal(result)).toMatchObject({
      check: 'TooManyUnrevealedCommits',
      retry: { when: 'atBlock', block: 540 },
    });
    expect(forecast(committing({ waitingCommits: ten.slice(1) })).isAccepted).toBe(true);
    const older = ten.map((commit) => ({ ...commit, epoch: 6 }));
    expect(forecast(committing({ waitingCommits: older })).isAccepted).toBe(true);
    expect(forecast(factsOf({ waitingCommits: ten })).isAccepted).toBe(true);
  });

  it('lets the owner pass without permit and stake', () => {
    const facts = factsOf({ neuron: { validatorPermit: false, stake: 0 }, subnet: { ownerHotkey: '5Own' } });
    expect(forecast(facts).isAccepted).toBe(true);
  });

  it('lets a self-weight pass without permit and with fewer weights than asked', () => {
    const facts = factsOf({ neuron: { validatorPermit: false }, rules: { minAllowedWeights: 2 } });
    expect(forecast(facts, { vector: { uids: [1], values: [65_535] } }).isAccepted).toBe(true);
  });

  it('asks for no more weights than there are uids', () => {
    const vector = { uids: [0, 1], values: [1, 65_535] };
    expect(forecast(factsOf({ rules: { minAllowedWeights: 1_024 } }), { vector }).isAccepted).toBe(true);
  });

  it('judges no shape where there are no weights yet, and says how many are needed', () => {
    for (const vector of [null, undefined]) {
      const result = forecastWeights({
        facts: factsOf({ rules: { minAllowedWeights: 2 } }),
        versionKey: 2_208,
        ...(vector === undefined ? {} : { vector }),
      });
      expect(result.isAccepted).toBe(true);
      expect(checkOf(result, 'WeightVecLengthIsLow')?.message).toContain('at least 2 of 2');
    }
  });

  it('names all failing checks in the order of the chain, and the last block that clears one', () => {
    const broken = {
      neuron: { stake: 0, validatorPermit: false, lastUpdate: 199 },
      rules: { minAllowedWeights: 2, commitRevealVersion: 3 },
      beacon: null,
    };
    expect(refusals(forecast(factsOf(broken), { versionKey: 0 }))).toEqual([
      'NotEnoughStakeToSetWeights',
      'SettingWeightsTooFast',
      'IncorrectWeightVersionKey',
      'NeuronNoValidatorPermit',
      'WeightVecLengthIsLow',
    ]);
    expect(refusals(forecast(committing(broken), { versionKey: 0 }))).toEqual([
      'NotEnoughStakeToSetWeights',
      'BeaconMissing',
      'IncorrectCommitRevealVersion',
      'CommittingWeightsTooFast',
      'IncorrectWeightVersionKey',
      'NeuronNoValidatorPermit',
      'WeightVecLengthIsLow',
    ]);
    const passing = forecast(factsOf({ neuron: { validatorPermit: false, lastUpdate: 199 } }));
    expect(passing.nextAcceptedBlock).toBe(540);
    const never = forecast(factsOf({ neuron: { validatorPermit: false, stake: 0 } }));
    expect(never.nextAcceptedBlock).toBeNull();
  });

  it('tells an unregistered hotkey what it would meet before it pays', () => {
    const result = forecast(committing({ ...unregistered, rules: { commitRevealVersion: 5 } }), {
      versionKey: 1,
    });
    expect(refusals(result)).toEqual([
      'HotKeyNotRegisteredInSubNet',
      'IncorrectCommitRevealVersion',
      'IncorrectWeightVersionKey',
    ]);
    expect(result.pruning).toBeNull();
  });
});

describe('domain / weightForecastOutlook', () => {
  const fine = (facts: SubmissionFacts, name: string) => checkOf(forecast(facts), name)?.ok;

  it('never keeps weights from being sent', () => {
    const facts = committing({
      rules: { immunityPeriodBlocks: 100, maxAllowedUids: 2, minNonImmuneUids: 0 },
      neuron: { blockAtRegistration: 0 },
      blockTimeMs: pulseMs + 3_600_000,
    });
    const result = forecast(facts);
    const failing = result.checks.filter(({ ok }) => !ok).map(({ check }) => check);
    expect(failing).toEqual(['BeaconLag', 'RevealWithinImmunity']);
    expect(result.isAccepted).toBe(true);
  });

  it('warns when pulses are missing or old, only where commits need them', () => {
    expect(fine(committing({ blockTimeMs: pulseMs + 300_000 }), 'BeaconLag')).toBe(true);
    expect(fine(committing({ blockTimeMs: pulseMs + 301_000 }), 'BeaconLag')).toBe(false);
    expect(fine(committing({ beacon: { ...beacon, lastStoredRound: 0 } }), 'BeaconLag')).toBe(false);
    expect(fine(factsOf({ blockTimeMs: pulseMs + 301_000 }), 'BeaconLag')).toBeUndefined();
  });

  it('compares immunity with the time weights take to count, both in blocks', () => {
    const of = (immunityPeriodBlocks: number, revealPeriodEpochs = 1) =>
      checkOf(
        forecast(committing({ rules: { immunityPeriodBlocks, revealPeriodEpochs } })),
        'RevealWithinImmunity',
      );
    expect(of(721)).toMatchObject({ ok: true });
    expect(of(720)).toMatchObject({ ok: false, level: 'warning' });
    expect(of(720)?.message).toContain('720 blocks, weights count up to 720 blocks');
    expect(of(721, 2)).toMatchObject({ ok: false });
  });

  it('tells from when the owner can change no rule', () => {
    const at = (block: number) =>
      checkOf(forecast(factsOf({ subnet: { block } })), 'AdminFreezeWindow')?.message;
    expect(at(530)).toContain('until block 530');
    expect(at(531)).toContain('no rule before block 540');
  });

  it('warns the uid that the next registration takes, with its place and immunity', () => {
    const full = { maxAllowedUids: 2, minNonImmuneUids: 0, immunityPeriodBlocks: 100 };
    const next = forecast(
      factsOf({ rules: full, neuron: { blockAtRegistration: 0 }, subnet: { block: 500 } }),
    );
    expect(next.pruning).toMatchObject({ rank: 2, candidates: 2, freePlaces: 0, immunityLeftBlocks: 0 });
    expect(checkOf(next, 'DeregistrationRisk')).toMatchObject({ ok: true });
    const facts = factsOf({ rules: full, subnet: { block: 500 } });
    const rich = facts.subnet.neurons.map((neuron) => ({ ...neuron, emissionRao: neuron.uid === 0 ? 9 : 0 }));
    const result = forecast({ ...facts, subnet: { ...facts.subnet, neurons: rich } });
    expect(result.pruning).toMatchObject({ rank: 1 });
    expect(checkOf(result, 'DeregistrationRisk')).toMatchObject({ ok: false, level: 'warning' });
    const immune = forecast(factsOf({ neuron: { blockAtRegistration: 150 } }));
    expect(checkOf(immune, 'Immunity')?.message).toContain('immune for 4046 more blocks, until block 4246');
  });
});
