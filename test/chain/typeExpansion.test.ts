import { TypeRegistry } from '@polkadot/types/create';
import { Metadata } from '@polkadot/types/metadata';
import { hexToU8a, isHex, u8aConcat } from '@polkadot/util';
import * as Effect from 'effect/Effect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openRpc } from '#src/chain/rpc.ts';
import { makeRuntime } from '#src/chain/runtime.ts';
import type { Devnet } from '#src/devnet/node.ts';
import { DEADLINES, startSubnet } from './devnetFixture.ts';

const MAGIC = [0x6d, 0x65, 0x74, 0x61];
const version = { specName: 'node-subtensor', specVersion: 425, transactionVersion: 1 };

type Def = { readonly [kind: string]: unknown };
type Plain = {
  readonly lookup: { readonly types: { readonly id: number; readonly type: unknown }[] };
  readonly extrinsic: { readonly signedExtensions: { type: number }[] };
};

describe('chain / typeExpansion', () => {
  let devnet: Devnet;
  let bytes: Uint8Array;
  beforeAll(async () => {
    devnet = await startSubnet({ sealing: 'manual' });
    const answer = await Effect.runPromise(
      Effect.scoped(
        Effect.flatMap(openRpc({ endpoint: devnet.url, ...DEADLINES }), (rpc) =>
          rpc.call('state_call', ['Metadata_metadata_at_version', '0x0f000000']),
        ),
      ),
    );
    const wrapped = isHex(answer) ? hexToU8a(answer) : new Uint8Array();
    bytes = wrapped.subarray(
      wrapped.findIndex((_, at) => MAGIC.every((byte, index) => wrapped[at + index] === byte)),
    );
  });
  afterAll(() => devnet.stop());

  /** Metadata with more types, the last of which is what the first transaction extension adds to an extrinsic. */
  const withTypes = (defs: (first: number) => readonly Def[]): Uint8Array => {
    const plain = new Metadata(new TypeRegistry(), bytes).asV15.toJSON() as unknown as Plain;
    const { types } = plain.lookup;
    for (const def of defs(types.length)) {
      types.push({ id: types.length, type: { path: [], params: [], def, docs: [] } });
    }
    const [extension] = plain.extrinsic.signedExtensions;
    if (extension !== undefined) extension.type = types.length - 1;
    const encoded = new TypeRegistry().createTypeUnsafe('MetadataV15', [plain]).toU8a();
    return u8aConcat(bytes.subarray(0, MAGIC.length + 1), encoded);
  };
  const build = (metadata: Uint8Array) => Effect.runSync(Effect.result(makeRuntime(version, metadata)));
  const nothing: Def = { tuple: [] };

  it('finds nothing wrong with types of a real size', () => {
    const sane = withTypes((first) => [
      nothing,
      { tuple: [first, first] },
      { array: { len: 2_000, type: first } },
    ]);
    expect(build(sane)).toMatchObject({ _tag: 'Success' });
  });

  it.each<[string, (first: number) => readonly Def[]]>([
    [
      'forty types that each hold the one before twice',
      (first) => [
        nothing,
        ...Array.from({ length: 40 }, (_, index) => ({ tuple: [first + index, first + index] })),
      ],
    ],
    [
      'arrays of arrays',
      (first) => [
        nothing,
        ...Array.from({ length: 4 }, (_, index) => ({ array: { len: 2_000, type: first + index } })),
      ],
    ],
    [
      'a list of any length whose elements take no bytes',
      (first) => [nothing, { tuple: [first, first] }, { sequence: { type: first + 1 } }],
    ],
  ])('refuses metadata with %s, at once', (_name, defs) => {
    const metadata = withTypes(defs);
    const began = performance.now();
    const outcome = build(metadata);
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(outcome).toMatchObject({ _tag: 'Failure', failure: { _tag: 'ChainMalformed' } });
    expect(String(outcome._tag === 'Failure' ? outcome.failure.detail : '')).toMatch(/type \d+ is larger/);
  });
});
