import { compactAddLength, compactToU8a, hexToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { blake2AsU8a } from '@polkadot/util-crypto/blake2';
import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import { BlockNumber, Hotkey } from '../domain/ids.ts';
import type { Head } from '../domain/metagraph.ts';
import type { Identity } from '../keys/identity.ts';
import { ChainUnsupported } from './errors.ts';
import { decodeWith } from './reads.ts';
import type { Rpc } from './rpc.ts';
import type { Runtime, RuntimeVersion } from './runtime.ts';

/**
 * A signed extrinsic as plain JSON. Persist it before it is sent: after a crash the same bytes can be sent again, and
 * the chain accepts them at most once.
 */
export const PreparedExtrinsic = Schema.Struct({
  /** The whole extrinsic with its length prefix, lower-case hex. */
  hex: Schema.String.check(Schema.isPattern(/^0x([0-9a-f]{2})+$/)),
  /** Blake2b-256 of the bytes. */
  hash: Schema.String.check(Schema.isPattern(/^0x[0-9a-f]{64}$/)),
  nonce: Schema.Int,
  account: Hotkey,
  bornAtBlock: BlockNumber,
  /** First block that can no longer include it. */
  expiresAtBlock: BlockNumber,
});
export type PreparedExtrinsic = typeof PreparedExtrinsic.Type;

/** A mortal era: valid in blocks `birth` to `death - 1`. */
export type Era = { readonly bytes: Uint8Array; readonly birth: BlockNumber; readonly death: BlockNumber };

/** Era periods are powers of two in this range (sp_runtime generic/era.rs). */
const MIN_PERIOD_BLOCKS = 4;
const MAX_PERIOD_BLOCKS = 65_536;
const EXTRINSIC_VERSION = 4;
const SIGNED = 0x80;
const ADDRESS_ID = 0;
const SIGNATURE_SR25519 = 1;
/** A longer signing payload is replaced by its hash. */
const MAX_PAYLOAD_BYTES = 256;

const u32 = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

/**
 * Era that starts at `block` (or up to `period / 4096` blocks before, where the format is that coarse) and lasts
 * `periodBlocks`, rounded up to a power of two between 4 and 65536.
 */
export const mortalEra = (block: BlockNumber, periodBlocks: number): Era => {
  const wanted = 2 ** Math.ceil(Math.log2(Math.max(1, periodBlocks)));
  const period = Math.min(MAX_PERIOD_BLOCKS, Math.max(MIN_PERIOD_BLOCKS, wanted));
  const quantum = Math.max(1, period >> 12);
  const phase = Math.floor((block % period) / quantum) * quantum;
  const encoded = Math.min(15, Math.max(1, Math.log2(period) - 1)) | ((phase / quantum) << 4);
  const birth = Math.floor((block - phase) / period) * period + phase;
  return { bytes: Uint8Array.of(encoded & 0xff, encoded >> 8), birth, death: birth + period };
};

type SigningContext = {
  readonly version: RuntimeVersion;
  readonly genesisHash: string;
  readonly era: Era;
  /** Hash of the era's birth block. */
  readonly birthHash: string;
  readonly nonce: number;
};
type ExtensionBytes = { readonly extra: Uint8Array; readonly implicit: Uint8Array };

const NOTHING = new Uint8Array(0);
const NO_BYTES: ExtensionBytes = { extra: NOTHING, implicit: NOTHING };

/** Bytes of the known extensions: in the extrinsic (`extra`) and in the signing payload only (`implicit`). */
const KNOWN_EXTENSIONS = new Map<string, (context: SigningContext) => ExtensionBytes>([
  ['CheckSpecVersion', ({ version }) => ({ extra: NOTHING, implicit: u32(version.specVersion) })],
  ['CheckTxVersion', ({ version }) => ({ extra: NOTHING, implicit: u32(version.transactionVersion) })],
  ['CheckGenesis', ({ genesisHash }) => ({ extra: NOTHING, implicit: hexToU8a(genesisHash) })],
  ['CheckMortality', ({ era, birthHash }) => ({ extra: era.bytes, implicit: hexToU8a(birthHash) })],
  ['CheckEra', ({ era, birthHash }) => ({ extra: era.bytes, implicit: hexToU8a(birthHash) })],
  ['CheckNonce', ({ nonce }) => ({ extra: compactToU8a(nonce), implicit: NOTHING })],
  ['ChargeTransactionPayment', () => ({ extra: compactToU8a(0), implicit: NOTHING })],
  // Mode 0 (disabled), and no hash.
  ['CheckMetadataHash', () => ({ extra: Uint8Array.of(0), implicit: Uint8Array.of(0) })],
]);

/**
 * Extension bytes in the runtime's own order. Unknown extensions are fine as long as they add no bytes, so a runtime
 * upgrade that inserts such a one needs no new version of this program; any other is refused.
 */
const extensionBytes = (runtime: Runtime, context: SigningContext) =>
  Effect.forEach(runtime.extensions, ({ name, isEmpty }) => {
    const known = KNOWN_EXTENSIONS.get(name);
    if (known !== undefined) return Effect.succeed(known(context));
    return isEmpty
      ? Effect.succeed(NO_BYTES)
      : Effect.fail(
          new ChainUnsupported({
            message: `the runtime demands the transaction extension ${name}, unknown here: update this program`,
          }),
        );
  });

/** Signs a call. Layout: sp_runtime generic/unchecked_extrinsic.rs, version 4. */
export const signCall = Effect.fnUntraced(function* (options: {
  readonly runtime: Runtime;
  readonly identity: Identity;
  readonly call: Uint8Array;
  readonly context: SigningContext;
}) {
  const { runtime, identity, call, context } = options;
  if (!runtime.extrinsicVersions.includes(EXTRINSIC_VERSION)) {
    const versions = runtime.extrinsicVersions.join(', ');
    return yield* new ChainUnsupported({
      message: `the runtime takes extrinsics of version ${versions}, this program writes version 4: update it`,
    });
  }
  const extensions = yield* extensionBytes(runtime, context);
  const extra = u8aConcat(...extensions.map((extension) => extension.extra));
  const payload = u8aConcat(call, extra, ...extensions.map((extension) => extension.implicit));
  const signature = identity.sign(payload.length > MAX_PAYLOAD_BYTES ? blake2AsU8a(payload, 256) : payload);
  const bytes = compactAddLength(
    u8aConcat(
      [SIGNED | EXTRINSIC_VERSION, ADDRESS_ID],
      identity.publicKey,
      [SIGNATURE_SR25519],
      signature,
      extra,
      call,
    ),
  );
  return {
    hex: u8aToHex(bytes),
    hash: u8aToHex(blake2AsU8a(bytes, 256)),
    nonce: context.nonce,
    account: identity.hotkey,
    bornAtBlock: context.era.birth,
    expiresAtBlock: context.era.death,
  } satisfies PreparedExtrinsic;
});

const decodeNonce = decodeWith(
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_294_967_295 })),
  'system_accountNextIndex',
);

/** What is called, as the metadata names it. */
export type Call = { readonly pallet: string; readonly name: string; readonly args: readonly unknown[] };

/**
 * Builds and signs one extrinsic on a finalized head: mortal era from `birth`, which is that head when not given. Nothing
 * is sent.
 *
 * @param periodBlocks lifetime; at most 4096, so that the era can start exactly at `birth`
 * @param nonce the next one by the pool's view when not given; an earlier one replaces what bears it already
 */
export const prepareExtrinsic = Effect.fn('chain.prepareExtrinsic')(function* (options: {
  readonly rpc: Rpc;
  readonly runtime: Runtime;
  readonly genesisHash: string;
  readonly identity: Identity;
  readonly call: Call;
  readonly head: Head;
  readonly birth?: Head;
  readonly periodBlocks: number;
  readonly nonce?: number;
}) {
  const { rpc, runtime, genesisHash, identity } = options;
  const birth = options.birth ?? options.head;
  const { pallet, name, args } = options.call;
  const call = yield* runtime.encodeCall(pallet, name, args);
  const nonce =
    options.nonce ?? (yield* decodeNonce(yield* rpc.call('system_accountNextIndex', [identity.hotkey])));
  const exactPeriodBlocks = 4_096;
  const era = mortalEra(birth.block, Math.min(options.periodBlocks, exactPeriodBlocks));
  const context = { version: runtime.version, genesisHash, era, birthHash: birth.blockHash, nonce };
  return yield* signCall({ runtime, identity, call, context });
});
