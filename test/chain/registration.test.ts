import * as Effect from 'effect/Effect';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type SubmitError, toSubmitFailure } from '#src/chain/errors.ts';
import { registerHotkey } from '#src/chain/register.ts';
import {
  formatTao,
  preflightRegistration,
  type RegistrationTerms,
  registrationCall,
} from '#src/chain/registration.ts';
import { decodeGenesis } from '#src/devnet/genesis.ts';
import { type Devnet, type DevnetOptions, startDevnet } from '#src/devnet/node.ts';
import { SPEC_343 } from '#src/devnet/profiles.ts';
import { subtensorModule } from '#src/devnet/subtensor/pallet.ts';
import { keysReady } from '#src/keys/identity.ts';
import { identity, NETUID, startProxy, withConnection } from './devnetFixture.ts';

const TAO = 1_000_000_000n;
const hotkey = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';
const coldkey = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const terms: RegistrationTerms = {
  netuid: NETUID,
  block: 100,
  subnetExists: true,
  isOpen: true,
  priceRao: TAO,
  minPriceRao: 500_000n,
  maxPriceRao: 100n * TAO,
  balanceRao: 2n * TAO,
  keepsToLimit: true,
  untouchableRao: 500n,
  uid: null,
  ownerColdkey: null,
  neurons: 3,
  maxNeurons: 256,
  immunityPeriodBlocks: 5_000,
};
const request = { hotkey, coldkey, maxPriceRao: 3n * TAO };

describe('chain / registration', () => {
  it('writes amounts in TAO', () => {
    expect([0n, 1n, TAO, 1_250_000_000n, 21_000_000n * TAO + 5n].map(formatTao)).toEqual([
      '0 TAO',
      '0.000000001 TAO',
      '1 TAO',
      '1.25 TAO',
      '21000000.000000005 TAO',
    ]);
  });

  it('lets through what the chain would accept', () => {
    expect(preflightRegistration(terms, request).ok).toBe(true);
    const known = { ...terms, ownerColdkey: coldkey, balanceRao: TAO + 500n };
    expect(preflightRegistration(known, { ...request, maxPriceRao: TAO }).ok).toBe(true);
  });

  it.each([
    ['RegistrationPriceLimitExceeded', { priceRao: 4n * TAO }, /costs 4 TAO, the limit is 3 TAO: .*raise it/],
    ['RegistrationNotPermittedOnRootSubnet', { netuid: 0 }, /subnet 0/],
    ['SubnetNotExists', { subnetExists: false }, /NETUID/],
    ['SubNetRegistrationDisabled', { isOpen: false }, /owner of the subnet/],
    ['HotKeyAlreadyRegisteredInSubNet', { uid: 7 }, /uid 7/],
    ['NotEnoughBalanceToStake', { balanceRao: TAO + 499n }, /has 1.000000499 TAO, .* 1.0000005 TAO/],
    ['NonAssociatedColdKey', { ownerColdkey: hotkey }, /belongs to coldkey/],
    ['RegistrationPriceUnlimited', { keepsToLimit: false }, /may rise up to 100 TAO before the block/],
  ])('names %s before anything is sent', (check, changes, message) => {
    const outcome = preflightRegistration({ ...terms, ...changes }, request);
    expect(outcome).toMatchObject({ ok: false, error: { _tag: 'Refused', check } });
    if (!outcome.ok) expect(outcome.error.message).toMatch(message);
  });

  it('takes a limit that a runtime without register_limit cannot pass', () => {
    const older = { ...terms, keepsToLimit: false, maxPriceRao: 3n * TAO };
    expect(preflightRegistration(older, request).ok).toBe(true);
  });

  it('counts the fee, once it is known', () => {
    const exact = { ...terms, balanceRao: TAO + 500n + 7n };
    expect(preflightRegistration(exact, { ...request, feeRao: 7n }).ok).toBe(true);
    const short = preflightRegistration(exact, { ...request, feeRao: 8n });
    expect(short).toMatchObject({ error: { check: 'NotEnoughBalanceToStake' } });
    if (!short.ok) expect(short.error.message).toContain('of which 0.000000008 TAO are the fee');
  });

  it('gives the chain its limit where the runtime can hold one', () => {
    const runtimeWith = (calls: readonly string[]) => ({
      hasCall: (_pallet: string, call: string) => calls.includes(call),
    });
    const recent = registrationCall(runtimeWith(['burned_register', 'register_limit']), NETUID, request);
    expect(recent).toMatchObject({ name: 'register_limit', args: [NETUID, hotkey, 3n * TAO] });
    const older = registrationCall(runtimeWith(['burned_register']), NETUID, request);
    expect(older).toMatchObject({ name: 'burned_register', args: [NETUID, hotkey] });
  });
});

describe('chain / registration, live', () => {
  let devnet: Devnet;
  let sealing: NodeJS.Timeout | undefined;
  const start = (node: Partial<DevnetOptions> = {}, kimRao = TAO): Promise<Devnet> =>
    startDevnet({
      sealing: 'manual',
      ...node,
      pallets: [subtensorModule],
      genesis: decodeGenesis({
        chain: 'registration test',
        blockTimeMs: 1_000,
        accounts: [
          ...['//Dave', '//Hank'].map((address) => ({ address, free: String(10n * TAO) })),
          { address: '//Kim', free: String(kimRao) },
        ],
        subnets: [
          {
            netuid: NETUID,
            tempo: 50,
            ownerColdkey: '//Eve',
            ownerHotkey: '//Ferdie',
            neurons: [{ hotkey: '//Alice', coldkey: '//Dave', stake: '0' }],
          },
        ],
      }),
    });
  beforeAll(keysReady);
  beforeEach(async () => {
    devnet = await start();
    devnet.sealBlocks(2);
  });
  afterEach(async () => {
    clearInterval(sealing);
    await devnet.stop();
  });
  afterAll(() => clearInterval(sealing));
  const sealSteadily = (): void => {
    sealing = setInterval(() => devnet.seal(), 20);
  };
  type Attempt = {
    readonly maxPriceRao?: bigint;
    readonly payer?: string;
    readonly url?: string;
    readonly onBlock?: (block: number) => void;
  };
  const register = (uri: string, options: Attempt = {}) =>
    withConnection(options.url ?? devnet.url, (connection) =>
      registerHotkey({
        connection,
        coldkey: identity(options.payer ?? '//Dave'),
        hotkey: identity(uri).hotkey,
        maxPriceRao: options.maxPriceRao ?? 2n * TAO,
        silenceMs: 1_500,
        onBlock: options.onBlock ?? (() => {}),
      }),
    );
  const failureOf = async (attempt: Promise<unknown>) => {
    const error = await attempt.then(
      () => undefined,
      (cause: unknown) => cause,
    );
    return toSubmitFailure(error as SubmitError);
  };

  it('registers a hotkey, and says where and as which uid', async () => {
    sealSteadily();
    const searched: number[] = [];
    const registered = await register('//Zoe', { onBlock: (block) => void searched.push(block) });
    // Whoever waits sees each finalized block that was searched, up to the one that has it.
    expect(searched).toEqual(searched.toSorted((a, b) => a - b));
    expect(searched.at(-1)).toBeGreaterThanOrEqual(registered.block);
    expect(registered).toMatchObject({ uid: 1, immunityPeriodBlocks: expect.any(Number) });
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const head = yield* connection.headAt(registered.block);
        const subnet = yield* connection.readSubnet(head);
        expect(subnet.neurons[1]).toMatchObject({
          hotkey: identity('//Zoe').hotkey,
          coldkey: identity('//Dave').hotkey,
          blockAtRegistration: registered.block,
        });
        const paid = yield* connection.readRegistration({
          head,
          hotkey: identity('//Zoe').hotkey,
          coldkey: identity('//Dave').hotkey,
        });
        expect(paid).toMatchObject({ uid: 1, ownerColdkey: identity('//Dave').hotkey, neurons: 2 });
        // The price of its block, and a fee far below a thousandth of a TAO.
        const spent = 10n * TAO - paid.balanceRao;
        expect(spent).toBeLessThanOrEqual(registered.priceRao + 1_000_000n);
        expect(spent).toBeGreaterThan((registered.priceRao * 9n) / 10n);
        expect(paid.priceRao).toBeGreaterThan(registered.priceRao);
      }),
    );
    expect(await failureOf(register('//Zoe'))).toMatchObject({
      _tag: 'Refused',
      check: 'HotKeyAlreadyRegisteredInSubNet',
    });
  });

  it('spends nothing above the limit, nor what the coldkey does not have', async () => {
    expect(await failureOf(register('//Zoe', { maxPriceRao: 1_000n }))).toMatchObject({
      check: 'RegistrationPriceLimitExceeded',
      retry: { when: 'nextBlock' },
    });
    expect(await failureOf(register('//Zoe', { payer: '//Poor' }))).toMatchObject({
      check: 'NotEnoughBalanceToStake',
      retry: { when: 'never' },
    });
    expect(await failureOf(register('//Ferdie'))).toMatchObject({ check: 'NonAssociatedColdKey' });
    expect(devnet.head().number).toBe(2);
  });

  it('is held to its limit by the chain itself when another registration came first', async () => {
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const head = yield* connection.finalizedHead();
        const sign = (payer: string, uri: string) =>
          connection.prepareRegistration({
            identity: identity(payer),
            hotkey: identity(uri).hotkey,
            maxPriceRao: TAO,
            head,
            periodBlocks: 32,
          });
        // Both are signed at the same price, which the first one raises.
        const first = yield* sign('//Dave', '//Zoe');
        const second = yield* sign('//Hank', '//Yann');
        yield* connection.submitPrepared(first);
        yield* connection.submitPrepared(second);
        const block = devnet.seal().number;
        const find = ({ prepared }: typeof first) =>
          connection.findInclusion({ prepared, fromBlock: block, toBlock: block });
        expect(yield* find(first)).toMatchObject({ found: true, outcome: { ok: true } });
        expect(yield* find(second)).toMatchObject({
          found: true,
          outcome: { error: { check: 'RegistrationPriceLimitExceeded', retry: { when: 'nextBlock' } } },
        });
      }),
    );
  });

  it('does not spend a fee on a registration that the rest cannot pay', async () => {
    const keys = { hotkey: identity('//Zoe').hotkey, coldkey: identity('//Kim').hotkey };
    const { priceRao, untouchableRao } = await withConnection(devnet.url, (connection) =>
      Effect.flatMap(connection.finalizedHead(), (head) => connection.readRegistration({ head, ...keys })),
    );
    await devnet.stop();
    devnet = await start({}, priceRao + untouchableRao);
    devnet.sealBlocks(2);
    const failure = await failureOf(register('//Zoe', { payer: '//Kim' }));
    expect(failure).toMatchObject({ check: 'NotEnoughBalanceToStake' });
    expect(failure.message).toContain('are the fee');
    expect(devnet.head().number).toBe(2);
  });

  it('keeps to the limit on a runtime that has no register_limit', async () => {
    await devnet.stop();
    devnet = await start({ profile: SPEC_343 });
    devnet.sealBlocks(2);
    expect(await failureOf(register('//Zoe'))).toMatchObject({ check: 'RegistrationPriceUnlimited' });
    expect(devnet.head().number).toBe(2);
    sealSteadily();
    expect(await register('//Zoe', { maxPriceRao: 100n * TAO })).toMatchObject({ uid: 1 });
  });

  describe('with a node that fails after the sending', () => {
    const broken = { code: -32_603, message: 'Internal error' };

    it('goes on as soon as the blocks can be read again', async () => {
      devnet.faults.failCalls({ method: 'chain_getBlock', error: broken, count: 3 });
      sealSteadily();
      expect(await register('//Zoe')).toMatchObject({ uid: 1 });
    });

    it('never takes an outcome that it could not read for a failure', async () => {
      devnet.faults.failCalls({ method: 'chain_getBlock', error: broken });
      sealSteadily();
      const failure = await failureOf(register('//Zoe'));
      expect(failure).toMatchObject({ _tag: 'Unconfirmed' });
      expect(failure.message).toMatch(/sent as 0x[0-9a-f]{64}, valid up to block \d+, but .*Internal error/);
      devnet.faults.clear();
      expect(await failureOf(register('//Zoe'))).toMatchObject({ check: 'HotKeyAlreadyRegisteredInSubNet' });
    });

    it('names the block of a registration whose uid cannot be read', async () => {
      const reads = { count: 0 };
      const proxy = await startProxy(devnet.url, ({ method }) => {
        if (method === 'chain_getBlock') reads.count += 1;
        return method === 'state_queryStorageAt' && reads.count > 0 ? () => 'nonsense' : 'pass';
      });
      sealSteadily();
      const failure = await failureOf(register('//Zoe', { url: proxy.url }));
      proxy.stop();
      expect(failure).toMatchObject({ _tag: 'Unconfirmed' });
      expect(failure.message).toMatch(/0x[0-9a-f]{64} is in block \d+, but the uid cannot be read/);
    });

    it('searches the blocks after an error that a gateway may have made of an accepted extrinsic', async () => {
      devnet.faults.failCalls({ method: 'author_submitExtrinsic', error: broken });
      sealSteadily();
      expect(await failureOf(register('//Zoe'))).toMatchObject({ _tag: 'NotIncluded' });
    });

    it('ends at once where the node has no such method', async () => {
      const error = { code: -32_601, message: 'Method not found' };
      devnet.faults.failCalls({ method: 'author_submitExtrinsic', error });
      expect(await failureOf(register('//Zoe'))).toMatchObject({ _tag: 'Unsupported' });
    });
  });

  it('says that it is unconfirmed when the chain stands still', async () => {
    const failure = await failureOf(register('//Zoe'));
    expect(failure).toMatchObject({ _tag: 'Unconfirmed' });
    expect(failure.message).toMatch(/no block was finalized for 1500 ms/);
  });

  it('says that it is unconfirmed when the line is cut as it is sent', async () => {
    const proxy = await startProxy(devnet.url, ({ method }) => {
      if (method !== 'author_submitExtrinsic') return 'pass';
      return (result) => {
        proxy.stop();
        return result;
      };
    });
    expect(await failureOf(register('//Zoe', { url: proxy.url }))).toMatchObject({ _tag: 'Unconfirmed' });
    expect(devnet.seal().number).toBe(3);
    expect(await failureOf(register('//Zoe'))).toMatchObject({ check: 'HotKeyAlreadyRegisteredInSubNet' });
  });
});
