import { describe, expect, it } from 'vitest';
import { developmentGenesis } from '#src/devnet/developmentGenesis.ts';
import { decodeGenesis, GenesisError, parseGenesis } from '#src/devnet/genesis.ts';

const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const subnet = { netuid: 86, tempo: 20, ownerColdkey: ALICE, ownerHotkey: '//Bob' };

describe('devnet / genesis', () => {
  it('reads accounts, subnets and flags, and fills in what is left out', () => {
    const config = decodeGenesis({
      accounts: [{ address: '//Alice', free: '5' }],
      subnets: [
        {
          ...subnet,
          hyperparameters: { minAllowedWeights: 1 },
          neurons: [{ hotkey: '//Bob', coldkey: ALICE, stake: '18446744073709551615' }],
        },
      ],
    });
    expect(config.accounts).toEqual([{ address: ALICE, free: 5n }]);
    expect(config.subnets[0]?.neurons[0]).toMatchObject({ coldkey: ALICE, stake: (1n << 64n) - 1n });
    expect(config).toMatchObject({
      chain: 'MIAOAI devnet',
      blockTimeMs: 12_000,
      flags: { allowLoopbackAxon: false },
    });
  });

  it.each<[string, unknown, string]>([
    ['no object', [], 'file must be an object'],
    ['an unknown key', { acounts: [] }, 'unknown key acounts; known are chain, blockTimeMs, accounts'],
    [
      'an amount that is a number',
      { accounts: [{ address: ALICE, free: 5 }] },
      'accounts[0].free must be a string of digits',
    ],
    [
      'an amount above u64',
      { accounts: [{ address: ALICE, free: '18446744073709551616' }] },
      'accounts[0].free',
    ],
    ['a damaged address', { accounts: [{ address: `${ALICE}x`, free: '5' }] }, 'accounts[0].address must be'],
    [
      'an account given twice',
      {
        accounts: [
          { address: ALICE, free: '5' },
          { address: '//Alice', free: '5' },
        ],
      },
      'given twice',
    ],
    ['a block time below 100 ms', { blockTimeMs: 5 }, 'blockTimeMs must be an integer from 100'],
    ['a netuid above u16', { subnets: [{ ...subnet, netuid: 65_536 }] }, 'subnets[0].netuid'],
    [
      'a nested hyperparameter',
      { subnets: [{ ...subnet, hyperparameters: { kappa: {} } }] },
      'subnets[0].hyperparameters.kappa',
    ],
    [
      'a flag that is no boolean',
      { flags: { allowLoopbackAxon: 1 } },
      'flags.allowLoopbackAxon must be true or false',
    ],
  ])('refuses %s and says where', (_name, value, message) => {
    expect(() => decodeGenesis(value)).toThrow(GenesisError);
    expect(() => decodeGenesis(value)).toThrow(message);
  });

  it('refuses text that is no JSON', () => {
    expect(() => parseGenesis('{')).toThrow('no JSON');
  });

  it('has a genesis for a start without a file', () => {
    expect(developmentGenesis().subnets.map(({ netuid }) => netuid)).toEqual([86]);
  });
});
