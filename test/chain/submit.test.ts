import { describe, expect, it } from 'vitest';
import {
  ChainMalformed,
  ChainUnreachable,
  ChainUnsupported,
  RpcRefused,
  SubmitNotIncluded,
  SubmitUnconfirmed,
  toChainFailure,
  toSubmitFailure,
} from '#src/chain/errors.ts';
import { dispatchOutcome } from '#src/chain/inclusion.ts';
import { poolFailure } from '#src/chain/submit.ts';

const refusal = (code: number, data: string, reason = 'Invalid Transaction') => {
  const error = poolFailure(new RpcRefused({ method: 'author_submitExtrinsic', code, reason, data }));
  return error === null ? null : toSubmitFailure(error);
};

describe('chain / submit', () => {
  it('treats bytes the pool already has as sent', () => {
    expect(refusal(1013, '', 'Transaction Already Imported')).toBeNull();
  });

  it.each([
    [1, 'NotEnoughStakeToSetWeights', 'nextBlock'],
    [6, 'RateLimitExceeded', 'nextBlock'],
    [10, 'HotKeyNotRegisteredInNetwork', 'never'],
    [11, 'InvalidIpAddress', 'never'],
    [12, 'ServingRateLimitExceeded', 'nextBlock'],
    [13, 'InvalidPort', 'never'],
    [15, 'InvalidRevealRound', 'nextBlock'],
    [16, 'NoWeightsCommitFound', 'never'],
    [19, 'HotKeyNotRegisteredInSubNet', 'never'],
    [255, 'Custom255', 'nextBlock'],
  ])('names custom error %i', (code, check, when) => {
    expect(refusal(1010, `Custom error: ${code}`)).toMatchObject({ _tag: 'Refused', check, retry: { when } });
  });

  it('has a name for every code that the chain gives today', () => {
    for (let code = 0; code <= 27; code += 1) {
      const failure = refusal(1010, `Custom error: ${code}`);
      expect(failure).toMatchObject({ _tag: 'Refused', check: expect.not.stringMatching(/^Custom/) });
    }
    expect(refusal(1010, 'Custom error: 28')).toMatchObject({
      check: 'Custom28',
      retry: { when: 'nextBlock' },
    });
  });

  it('says what to do about an address that the chain refuses', () => {
    expect(refusal(1010, 'Custom error: 11')?.message).toMatch(/set AXON_IP .*no loopback address/);
    expect(refusal(1010, 'Custom error: 13')?.message).toMatch(/set AXON_PORT/);
    expect(refusal(1010, 'Custom error: 9')?.message).toMatch(/TransferDisallowed \(.*Custom error: 9\)$/);
  });

  it.each([
    [1010, 'Transaction is outdated', { _tag: 'Unconfirmed' }],
    [1010, 'Transaction has an ancient birth block', { _tag: 'NotIncluded', retry: { when: 'nextBlock' } }],
    [
      1010,
      'Transaction has a bad signature',
      { _tag: 'Refused', check: 'BadProof', retry: { when: 'nextBlock' } },
    ],
    [1010, 'Transaction will be valid in the future', { _tag: 'Refused', check: 'FutureNonce' }],
    [1010, 'Transaction would exhaust the block limits', { _tag: 'Refused', check: 'ExhaustsResources' }],
    [
      1010,
      'Inability to pay some fees (e.g. account balance too low)',
      { _tag: 'Refused', check: 'Payment' },
    ],
    [
      1010,
      'Transaction call is not expected',
      { _tag: 'Refused', check: 'InvalidTransaction', retry: { when: 'nextBlock' } },
    ],
    [1012, '', { _tag: 'Unconfirmed' }],
    [1014, '(1 > 1)', { _tag: 'Refused', check: 'PriorityTooLow', retry: { when: 'nextBlock' } }],
    [1016, '', { _tag: 'Refused', check: 'PoolFull', retry: { when: 'nextBlock' } }],
    [1002, 'runtime error', { _tag: 'Refused', check: 'NotValidated' }],
    [-32_601, '', { _tag: 'Unsupported', retry: { when: 'never' } }],
    [-32_000, 'what', { _tag: 'Malformed', retry: { when: 'nextBlock' } }],
  ])('maps pool error %i %j', (code, data, expected) => {
    expect(refusal(code, data)).toMatchObject(expected);
  });

  it('gives plain, persistable failures', () => {
    const failures = [
      toSubmitFailure(new SubmitUnconfirmed({ message: 'sent' })),
      toSubmitFailure(new SubmitNotIncluded({ message: 'late' })),
      toChainFailure(new ChainUnreachable({ endpoint: 'ws://x', operation: 'connect', detail: 'refused' })),
      toChainFailure(new ChainUnsupported({ message: 'old' })),
      toChainFailure(new ChainMalformed({ operation: 'read', detail: 'no number' })),
      toChainFailure(
        new RpcRefused({
          method: 'state_call',
          code: 4003,
          reason: 'Client error',
          data: 'State already discarded',
        }),
      ),
    ];
    expect(failures.map(({ _tag, retry }) => [_tag, retry.when])).toEqual([
      ['Unconfirmed', 'nextBlock'],
      ['NotIncluded', 'nextBlock'],
      ['Unreachable', 'reconnected'],
      ['Unsupported', 'never'],
      ['Malformed', 'nextBlock'],
      ['UnknownBlock', 'nextBlock'],
    ]);
    expect(JSON.parse(JSON.stringify(failures))).toEqual(failures);
  });

  it.each([
    'UnknownBlock: Header was not found in the database: 0x11',
    'UnknownBlock: State already discarded for 0x11',
    'Api called for an unknown Block: Header was not found',
  ])('waits for the next block where a lagging or pruning node says %j', (data) => {
    const refusedRead = new RpcRefused({ method: 'state_call', code: 4003, reason: 'Client error', data });
    expect(toSubmitFailure(refusedRead)).toMatchObject({
      _tag: 'UnknownBlock',
      retry: { when: 'nextBlock' },
    });
  });

  it('gives up for ever only where the node lacks the method', () => {
    const lacking = new RpcRefused({
      method: 'state_call',
      code: -32_601,
      reason: 'Method not found',
      data: '',
    });
    expect(toChainFailure(lacking).retry).toEqual({ when: 'never' });
  });
});

describe('chain / inclusion', () => {
  const event = (extrinsicIndex: number | null, name: string, dispatchError: string | null = null) => ({
    extrinsicIndex,
    pallet: 'system',
    name,
    dispatchError,
  });

  it('reads the result of its own extrinsic only', () => {
    const events = [
      event(null, 'NewAccount'),
      event(0, 'ExtrinsicSuccess'),
      event(1, 'ExtrinsicFailed', 'SettingWeightsTooFast'),
      event(2, 'ExtrinsicFailed', 'NeuronNoValidatorPermit'),
    ];
    expect(dispatchOutcome(events, 0)).toEqual({ ok: true, value: undefined });
    expect(dispatchOutcome(events, 1)).toMatchObject({
      ok: false,
      error: { _tag: 'Refused', check: 'SettingWeightsTooFast', retry: { when: 'nextBlock' } },
    });
    expect(dispatchOutcome(events, 2)).toMatchObject({
      error: { check: 'NeuronNoValidatorPermit', retry: { when: 'never' } },
    });
    expect(dispatchOutcome(events, 3)).toBeNull();
  });

  it.each([
    ['CommittingWeightsTooFast', 'nextBlock', /tried again/],
    ['InvalidRevealRound', 'nextBlock', /later one/],
    ['TooManyUnrevealedCommits', 'nextBlock', /ten commits/],
    // The owner switched commit-reveal between signing and inclusion.
    ['CommitRevealEnabled', 'nextBlock', /signed anew/],
    ['CommitRevealDisabled', 'nextBlock', /signed anew/],
    ['IncorrectCommitRevealVersion', 'never', /update this program/],
    ['NotEnoughStakeToSetWeights', 'nextBlock', /stake more/],
    ['MechanismDoesNotExist', 'never', /failed with MechanismDoesNotExist$/],
  ])('says of %s when it can pass and what to do', (check, when, message) => {
    const outcome = dispatchOutcome([event(0, 'ExtrinsicFailed', check)], 0);
    expect(outcome).toMatchObject({ ok: false, error: { check, retry: { when } } });
    if (outcome !== null && !outcome.ok) expect(outcome.error.message).toMatch(message);
  });
});
