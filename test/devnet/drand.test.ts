import { describe, expect, it } from 'vitest';
import { createContext, createReadContext, type EmittedEvent } from '#src/devnet/context.ts';
import { type Beacon, chainHash, createBeacon, MAX_PULSES_PER_BLOCK } from '#src/devnet/drand/beacon.ts';
import {
  drand,
  drandEvents,
  drandWith,
  MAX_KEPT_PULSES,
  MAX_REMOVED_PULSES,
  writePulseCall,
} from '#src/devnet/drand/pallet.ts';
import { roundIdentity, sha256, verifyRound } from '#src/devnet/drand/quicknet.ts';
import { drandStorage, type Pulse, QUICKNET } from '#src/devnet/drand/storage.ts';
import { decodeGenesis } from '#src/devnet/genesis.ts';
import { ModuleError, type Origin } from '#src/devnet/pallet.ts';
import { createRuntime } from '#src/devnet/runtime.ts';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
/** Known answer of drand's quicknet: pallets/drand/src/tests. */
const ROUND_1000: Pulse = {
  round: 1000n,
  randomness: bytes('fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd'),
  signature: bytes(
    'b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39',
  ),
};
const genesis = (values: object = {}) => decodeGenesis({ chain: 'drand test', ...values });

describe('devnet / drand / quicknet', () => {
  it('verifies a pulse of the public network and no other round with its signature', () => {
    const { publicKey } = QUICKNET;
    expect(verifyRound(publicKey, 1000n, ROUND_1000.signature)).toBe(true);
    expect(verifyRound(publicKey, 1001n, ROUND_1000.signature)).toBe(false);
    expect(() => verifyRound(publicKey, 1000n, new Uint8Array(48))).toThrow();
    expect(() => verifyRound(new Uint8Array(96), 1000n, ROUND_1000.signature)).toThrow();
    expect(sha256(ROUND_1000.signature)).toEqual(ROUND_1000.randomness);
    expect(Buffer.from(roundIdentity(1000n)).toString('hex')).toBe(
      'f652498d092acd949bad74e40683bf3824fb817980504a0c7e6722cfc5a9c0a3',
    );
  });

  it('computes the hash by which drand names the public network', () => {
    expect(chainHash(QUICKNET)).toEqual(QUICKNET.hash);
  });
});

describe('devnet / drand / beacon', () => {
  it('has the same key for the same genesis and another one for another seed', () => {
    const key = (values: object): string =>
      Buffer.from(createBeacon(genesis(values)).configuration.publicKey).toString('hex');
    expect(key({})).toBe(key({ blockTimeMs: 250 }));
    expect(key({ beacon: { seed: 'a' } })).not.toBe(key({}));
    expect(key({ beacon: { seed: 'a' } })).toBe(key({ chain: 'another', beacon: { seed: 'a' } }));
  });

  it('shortens the period with the block time, down to a second', () => {
    const period = (blockTimeMs: number): number =>
      createBeacon(genesis({ blockTimeMs })).configuration.period;
    expect([250, 4000, 8000, 12_000, 60_000].map(period)).toEqual([1, 1, 2, 3, 3]);
    const given = genesis({ beacon: { periodSeconds: 30, genesisTimeSeconds: 5 } });
    expect(createBeacon(given).configuration).toMatchObject({ period: 30, genesisTime: 5 });
    expect(() => genesis({ beacon: { periodSeconds: 0 } })).toThrow(/beacon.periodSeconds/);
    expect(() => genesis({ beacon: { key: 1 } })).toThrow(/unknown key key/);
  });

  it('publishes round r at genesis + (r - 1) periods', () => {
    const beacon = createBeacon(genesis());
    const startMs = QUICKNET.genesisTime * 1000;
    expect(beacon.roundAt(startMs - 1)).toBe(0);
    expect(beacon.roundAt(startMs)).toBe(1);
    expect(beacon.roundAt(startMs + 2999)).toBe(1);
    expect(beacon.roundAt(startMs + 3000)).toBe(2);
    expect(beacon.publishedAtMs(2)).toBe(startMs + 3000);
  });

  it('signs pulses that verify', () => {
    const beacon = createBeacon(genesis());
    const { signature, randomness } = beacon.pulse(9);
    expect(signature).toHaveLength(48);
    expect(randomness).toEqual(sha256(signature));
    // A copy of the signature under another key is no known verdict: this one is computed.
    expect(verifyRound(createBeacon(genesis({ chain: 'b' })).configuration.publicKey, 9n, signature)).toBe(
      false,
    );
  });

  it('hands out what came out since the last stored round, 50 at most, from the newest on an empty chain', () => {
    const beacon = createBeacon(genesis());
    const rounds = (last: number, round: number): number[] =>
      beacon.collect(last, beacon.publishedAtMs(round)).map((pulse) => Number(pulse.round));
    expect(rounds(0, 100)).toEqual([100]);
    expect(rounds(100, 100)).toEqual([]);
    expect(rounds(96, 100)).toEqual([97, 98, 99, 100]);
    expect(rounds(100, 1000)).toEqual(Array.from({ length: MAX_PULSES_PER_BLOCK }, (_, i) => 101 + i));
    expect(beacon.collect(0, 0)).toEqual([]);
    beacon.skip(98);
    expect(rounds(96, 100)).toEqual([97, 99, 100]);
    beacon.withhold();
    expect(rounds(96, 100)).toEqual([]);
    beacon.inject(ROUND_1000);
    expect(rounds(96, 100)).toEqual([1000]);
    beacon.release();
    expect(rounds(99, 100)).toEqual([100]);
  });
});

/** The pallet over a state of its own; calls come from the node. */
const start = (beacon: Beacon = createBeacon(genesis())) => {
  const pallet = drandWith(beacon);
  const runtime = createRuntime({ blockTimeMs: 12_000, pallets: [pallet] });
  let events: EmittedEvent[] = [];
  const run = (change: (ctx: ReturnType<typeof createContext>) => void): void => {
    events = [];
    const ctx = createContext(runtime.parts, 1, events);
    ctx.transaction(() => change(ctx));
  };
  run((ctx) => pallet.genesis?.(ctx, genesis()));
  const write = (pulses: readonly Pulse[], origin: Origin = { kind: 'none' }): string | undefined => {
    const [first] = pulses;
    if (first === undefined) throw new Error('no pulse');
    const { declaration, args } = runtime.calls.dec(writePulseCall(first, 1));
    const payload = args['pulsesPayload'] as object;
    try {
      run((ctx) => declaration.dispatch(ctx, { ...args, pulsesPayload: { ...payload, pulses } }, origin));
      return undefined;
    } catch (error) {
      if (error instanceof ModuleError) return error.declaration.name;
      throw error;
    }
  };
  return { run, write, emitted: () => events, read: () => createReadContext(runtime.parts, 1), beacon };
};

describe('devnet / drand / pallet', () => {
  it('starts with quicknet on a chain without a beacon and with its own on the embedded chain', () => {
    const { read, beacon } = start();
    expect(read().get(drandStorage.BeaconConfig)).toEqual(beacon.configuration);
    const bare = createRuntime({ blockTimeMs: 12_000, pallets: [drand] });
    expect(createReadContext(bare.parts, 0).get(drandStorage.BeaconConfig)).toEqual(QUICKNET);
  });

  it('keeps pulses in rising order and knows the oldest and the newest', () => {
    const { write, read, beacon, emitted } = start();
    expect(write([beacon.pulse(5), beacon.pulse(6)])).toBeUndefined();
    expect(emitted().map(({ data }) => data)).toEqual([
      Uint8Array.from([26, drandEvents.NewPulse.index, ...drandEvents.NewPulse.fields.rounds.enc([5n, 6n])]),
    ]);
    expect(write([beacon.pulse(8)])).toBeUndefined();
    expect(read().get(drandStorage.Pulses, 6n)).toEqual(beacon.pulse(6));
    expect(read().get(drandStorage.LastStoredRound)).toBe(8n);
    expect(read().get(drandStorage.OldestStoredRound)).toBe(5n);
    expect(write([beacon.pulse(8)])).toBe('InvalidRoundNumber');
    expect(write([beacon.pulse(7)])).toBe('InvalidRoundNumber');
  });

  it('stores no pulse with a wrong signature, of another round or beacon, or with other randomness', () => {
    const { write, read, beacon } = start();
    const other = createBeacon(genesis({ chain: 'other' }));
    const wrong: Pulse[] = [
      { ...beacon.pulse(5), round: 6n },
      other.pulse(6),
      ROUND_1000,
      { ...beacon.pulse(6), randomness: new Uint8Array(32) },
    ];
    for (const pulse of wrong) {
      expect(write([pulse])).toBeUndefined();
      expect(read().has(drandStorage.Pulses, pulse.round)).toBe(false);
    }
    expect(read().get(drandStorage.LastStoredRound)).toBe(0n);
    expect(write([{ ...beacon.pulse(6), signature: new Uint8Array(48) }])).toBe('PulseVerificationError');
    expect(write([{ ...beacon.pulse(6), signature: new Uint8Array(3) }])).toBe('PulseVerificationError');
    // Good ones beside a bad one count.
    expect(write([beacon.pulse(6), other.pulse(7), beacon.pulse(8)])).toBeUndefined();
    expect(read().get(drandStorage.LastStoredRound)).toBe(8n);
    expect(read().has(drandStorage.Pulses, 7n)).toBe(false);
  });

  it('accepts the pulse of the public network under its configuration', () => {
    const { write, read, run } = start();
    run((ctx) => ctx.put(drandStorage.BeaconConfig, QUICKNET));
    expect(write([ROUND_1000])).toBeUndefined();
    expect(read().get(drandStorage.Pulses, 1000n)).toEqual(ROUND_1000);
  });

  it('takes pulses from the node alone', () => {
    const { write, beacon } = start();
    expect(() => write([beacon.pulse(5)], { kind: 'signed', account: new Uint8Array(32) })).toThrow(
      'BadOrigin',
    );
    expect(() => write([beacon.pulse(5)], { kind: 'root' })).toThrow('BadOrigin');
  });

  it('forgets pulses beyond a week of rounds, 100 per write', () => {
    const { write, read, run, beacon } = start();
    const last = Number(MAX_KEPT_PULSES) + 150;
    run((ctx) => {
      ctx.put(drandStorage.OldestStoredRound, 1n);
      ctx.put(drandStorage.LastStoredRound, BigInt(last - 1));
      for (const round of [1n, 100n, 101n, 150n, 151n]) ctx.put(drandStorage.Pulses, round, beacon.pulse(1));
    });
    const kept = (): bigint[] =>
      [1n, 100n, 101n, 150n, 151n].filter((round) => read().has(drandStorage.Pulses, round));
    expect(write([beacon.pulse(last)])).toBeUndefined();
    expect(read().get(drandStorage.OldestStoredRound)).toBe(BigInt(1 + MAX_REMOVED_PULSES));
    expect(kept()).toEqual([101n, 150n, 151n]);
    expect(write([beacon.pulse(last + 1)])).toBeUndefined();
    expect(read().get(drandStorage.OldestStoredRound)).toBe(152n);
    expect(kept()).toEqual([]);
  });
});
