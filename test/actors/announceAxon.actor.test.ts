import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type AxonSettings, announceAxon, withdrawAxon } from '#src/actors/announceAxon.actor.ts';
import { readSubnet } from '#src/actors/chainSession.actor.ts';
import type { Devnet } from '#src/devnet/node.ts';
import { RATE_LIMIT_BLOCKS, startSubnet } from '#test/chain/devnetFixture.ts';
import { askOnce, followChain, openMinerLife } from '#test/support/actors.ts';
import { identityOfUri, until } from '#test/support/peers.ts';

const bob = identityOfUri('//Bob');

describe('actors / announceAxon', () => {
  let devnet: Devnet;
  let life: Awaited<ReturnType<typeof openMinerLife>>;

  beforeEach(async () => {
    devnet = await startSubnet({ sealing: 'manual' });
    life = await openMinerLife();
    await followChain(life.runtime, devnet.url);
  });
  afterEach(async () => {
    await life.end();
    await devnet.stop();
  });

  const seal = async (blocks = 1): Promise<number> => {
    const { number } = devnet.sealBlocks(blocks);
    await until(() => life.chain.head?.block === number, `block ${number}`);
    return number;
  };

  /** Asks one announcing actor, as one process of a miner does block after block. */
  const announcer = (overrides: Partial<AxonSettings> = {}) => {
    const logic = announceAxon(life.runtime, {
      identity: bob,
      ip: '203.0.113.7',
      externalPort: null,
      version: 1_000,
      ...overrides,
    });
    return (boundPort = 8_091) => askOnce(logic, { boundPort });
  };

  const axonOnChain = async () => {
    const { head } = life.chain;
    if (head === null) throw new Error('no head yet');
    const subnet = await askOnce(readSubnet(life.runtime), { head });
    return subnet.ok ? subnet.value.neurons.find(({ hotkey }) => hotkey === bob.hotkey)?.axon : null;
  };

  const waiting = { ok: false, error: { _tag: 'Unconfirmed', retry: { when: 'nextBlock' } } };

  /** Extrinsics that somebody signed, over the whole chain. */
  const signed = (): number => {
    let count = 0;
    for (let block = 1; block <= devnet.head().number; block += 1) {
      // Every block has one unsigned extrinsic: its timestamp.
      count += (devnet.chain.blockByNumber(block)?.extrinsics.length ?? 1) - 1;
    }
    return count;
  };

  it('sends once, waits for a finalized block, and is done when the chain shows it', async () => {
    const announce = announcer();
    expect(await announce()).toMatchObject(waiting);
    expect(await announce()).toMatchObject(waiting);
    expect(await axonOnChain()).toBeNull();
    const block = await seal();
    expect(await announce()).toMatchObject({ ok: true, value: { block } });
    expect(await axonOnChain()).toEqual({ ip: '203.0.113.7', port: 8_091 });
    await seal(3);
    expect(signed()).toBe(1);
  });

  it('sends again where it was sent to an endpoint whose blocks no other one has', async () => {
    // The same genesis, and 400 blocks that the chain of the others never made.
    const startMs = 1_700_000_000_000;
    const liar = await startSubnet({ sealing: 'manual', node: { startMs } });
    const honest = await startSubnet({ sealing: 'manual', node: { startMs } });
    liar.sealBlocks(400);
    honest.sealBlocks(2);
    const other = await openMinerLife();
    try {
      const announce = announceAxon(other.runtime, {
        identity: bob,
        ip: '203.0.113.7',
        externalPort: null,
        version: 1,
      });
      await followChain(other.runtime, liar.url);
      expect(await askOnce(announce, { boundPort: 8_091 })).toMatchObject(waiting);
      await followChain(other.runtime, honest.url);
      expect(await askOnce(announce, { boundPort: 8_091 })).toMatchObject(waiting);
      expect(honest.seal().extrinsics).toHaveLength(2);
    } finally {
      await other.end();
      await liar.stop();
      await honest.stop();
    }
  });

  it('has nothing to do where the chain says the same, also for the next process', async () => {
    await announcer()();
    await seal();
    expect(await announcer()()).toMatchObject({ ok: true });
    await seal(3);
    expect(signed()).toBe(1);
  });

  it('publishes the external port where one is given, and a new bound port after the rate limit', async () => {
    await announcer({ externalPort: 30_001 })();
    const block = await seal();
    expect(await axonOnChain()).toEqual({ ip: '203.0.113.7', port: 30_001 });
    const moved = announcer();
    expect(await moved(8_092)).toMatchObject({
      ok: false,
      error: {
        check: 'ServingRateLimitExceeded',
        retry: { when: 'atBlock', block: block + RATE_LIMIT_BLOCKS },
      },
    });
    await seal(RATE_LIMIT_BLOCKS);
    expect(await moved(8_092)).toMatchObject(waiting);
    await seal();
    expect(await axonOnChain()).toEqual({ ip: '203.0.113.7', port: 8_092 });
  });

  it.each([
    ['no address', { ip: null }, 'NoAxonIp', '--axon-ip'],
    ['an address of no host', { ip: '255.255.255.255' }, 'InvalidIpAddress', 'AXON_IP'],
    [
      'a hotkey that is not registered',
      { identity: identityOfUri('//Zoe') },
      'HotKeyNotRegisteredInNetwork',
      '',
    ],
  ])('is refused for good with %s, and says what to do', async (_what, overrides, check, advice) => {
    const outcome = await announcer(overrides)();
    expect(outcome).toMatchObject({ ok: false, error: { _tag: 'Refused', check, retry: { when: 'never' } } });
    expect(JSON.stringify(outcome)).toContain(advice);
    await seal(2);
    expect(signed()).toBe(0);
  });

  it('is refused a loopback address by a chain that has none of it', async () => {
    expect(await announcer({ ip: '127.0.0.1' })()).toMatchObject({
      ok: false,
      error: { _tag: 'Refused', check: 'InvalidIpAddress' },
    });
  });

  it('is unreachable without a connection', async () => {
    await devnet.stop();
    await until(() => life.chain.connection === null, 'the connection is gone');
    expect(await announcer()()).toMatchObject({
      ok: false,
      error: { _tag: 'Unreachable', retry: { when: 'reconnected' } },
    });
  });

  it('withdraws what it published, once, and is done when the chain names nothing any more', async () => {
    const announce = announcer({ ip: '2001:db8::7' });
    await announce();
    await seal();
    expect(await announce()).toMatchObject({ ok: true });
    expect(await axonOnChain()).toEqual({ ip: '2001:db8::7', port: 8_091 });
    const logic = withdrawAxon(life.runtime, { identity: bob });
    const withdraw = () => askOnce(logic, { hotkey: bob.hotkey });
    expect(await withdraw()).toMatchObject({ ok: false, error: { check: 'ServingRateLimitExceeded' } });
    await seal(RATE_LIMIT_BLOCKS);
    expect(await withdraw()).toMatchObject(waiting);
    expect(await withdraw()).toMatchObject(waiting);
    const block = await seal();
    expect(await withdraw()).toMatchObject({ ok: true, value: { block } });
    expect(await axonOnChain()).toBeNull();
    await seal(2);
    expect(signed()).toBe(2);
  });

  it('has nothing to withdraw where nothing was published', async () => {
    const logic = withdrawAxon(life.runtime, { identity: bob });
    expect(await askOnce(logic, { hotkey: bob.hotkey })).toMatchObject({ ok: true });
    await seal();
    expect(signed()).toBe(0);
  });
});
