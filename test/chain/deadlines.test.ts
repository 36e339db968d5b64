import * as Effect from 'effect/Effect';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import type { ChainConnection } from '#src/chain/client.ts';
import { toSubmitFailure } from '#src/chain/errors.ts';
import type { Devnet } from '#src/devnet/node.ts';
import type { SubmissionFacts } from '#src/domain/submissionFacts.ts';
import { keysReady } from '#src/keys/identity.ts';
import { identity, startSubnet, withConnection } from './devnetFixture.ts';

const CALL_MS = 250;
/** One call more than the longest operation makes one after the other, and room for a busy machine. */
const WHOLE_MS = 6 * CALL_MS + 1_500;
const bob = identity('//Bob');
const vector = { uids: [1], values: [65_535] };

type Prepared = Effect.Success<ReturnType<ChainConnection['prepare']>>;
type Known = {
  readonly connection: ChainConnection;
  readonly head: { readonly block: number; readonly blockHash: string };
  readonly prepared: Prepared;
  readonly facts: SubmissionFacts;
};

const signed = ({ head }: Known) => ({ identity: bob, head, periodBlocks: 16 });

/** Every operation of a connection; a new one has to be added here. */
const operations: Readonly<Record<string, (known: Known) => Effect.Effect<unknown, unknown>>> = {
  followHeads: ({ connection }) => connection.followHeads(() => {}),
  finalizedHead: ({ connection }) => connection.finalizedHead(),
  bestBlock: ({ connection }) => connection.bestBlock(),
  headAt: ({ connection }) => connection.headAt(1),
  paceAt: ({ connection, head }) => connection.paceAt(head),
  specVersionAt: ({ connection, head }) => connection.specVersionAt(head),
  nonceAt: ({ connection, head }) => connection.nonceAt({ head, account: bob.hotkey }),
  readSubnet: ({ connection, head }) => connection.readSubnet(head),
  readSubmissionFacts: ({ connection, head }) => connection.readSubmissionFacts({ head, hotkey: bob.hotkey }),
  readWeights: ({ connection, head }) => connection.readWeights({ head, uid: 0 }),
  readRegistration: ({ connection, head }) =>
    connection.readRegistration({ head, hotkey: bob.hotkey, coldkey: bob.hotkey }),
  readCommitment: ({ connection, head }) => connection.readCommitment({ head, hotkey: bob.hotkey }),
  prepare: (known) =>
    known.connection.prepare({
      ...signed(known),
      call: { pallet: 'System', name: 'remark', args: ['0x00'] },
    }),
  prepareWeights: (known) =>
    known.connection.prepareWeights({ ...signed(known), facts: known.facts, vector, versionKey: 0 }),
  prepareServe: (known) =>
    known.connection.prepareServe({
      ...signed(known),
      endpoint: { ip: '203.0.113.7', port: 8_091, version: 1 },
    }),
  prepareWithdraw: (known) => known.connection.prepareWithdraw(signed(known)),
  prepareRegistration: (known) =>
    known.connection.prepareRegistration({ ...signed(known), hotkey: bob.hotkey, maxPriceRao: 1n }),
  prepareCommitment: (known) =>
    known.connection.prepareCommitment({ ...signed(known), data: Uint8Array.of(1, 2, 3) }),
  submitPrepared: ({ connection, prepared }) => connection.submitPrepared({ prepared }),
  findInclusion: ({ connection, prepared, head }) =>
    connection.findInclusion({ prepared, fromBlock: head.block, toBlock: head.block }),
};

describe('chain / deadlines', () => {
  let devnet: Devnet;
  beforeAll(async () => {
    await keysReady();
    devnet = await startSubnet({ sealing: 'manual' });
    devnet.sealBlocks(3);
  });
  afterEach(() => devnet.faults.reset());
  afterAll(() => devnet.stop());

  /** A connection that knew enough to begin anything, of a node that has stopped to answer. */
  const frozen = <A>(use: (known: Known) => Effect.Effect<A, unknown>) =>
    withConnection(
      devnet.url,
      (connection) =>
        Effect.gen(function* () {
          const ready = Effect.gen(function* () {
            const first = yield* connection.finalizedHead();
            const facts = yield* connection.readSubmissionFacts({ head: first, hotkey: bob.hotkey });
            const call = { pallet: 'System', name: 'remark', args: ['0x00'] };
            const prepared = yield* connection.prepare({
              identity: bob,
              head: first,
              periodBlocks: 16,
              call,
            });
            devnet.seal();
            return { facts, prepared, head: yield* connection.finalizedHead() };
          });
          // Until then nothing is late but a busy machine.
          const { facts, prepared, head } = yield* Effect.retry(ready, { times: 10 });
          devnet.faults.delayCalls({ method: '*', delayMs: 60_000 });
          return yield* use({ connection, head, prepared, facts });
        }),
      { callMs: CALL_MS },
    );

  it('are known for every operation', async () => {
    const named = await withConnection(devnet.url, (connection) =>
      Effect.succeed(
        Object.entries(connection).flatMap(([name, value]) => (typeof value === 'function' ? [name] : [])),
      ),
    );
    expect(named.toSorted()).toEqual(Object.keys(operations).toSorted());
  });

  it.each(Object.entries(operations))('end %s when the node stops to answer', async (name, operation) => {
    const began = performance.now();
    // A block that nothing is known of yet, so that every operation has to ask.
    const failure = await frozen((known) => Effect.flip(operation(known)));
    expect(performance.now() - began).toBeLessThan(WHOLE_MS + 1_000);
    const { _tag, message } = toSubmitFailure(failure as Parameters<typeof toSubmitFailure>[0]);
    // What was sent and not answered may be on its way into a block.
    expect(_tag).toBe(name === 'submitPrepared' ? 'Unconfirmed' : 'Unreachable');
    expect(message).toMatch(/within|answer/);
  });

  it('leave nothing pending: the connection works again as soon as the node does', async () => {
    await frozen(({ connection, head }) =>
      Effect.gen(function* () {
        yield* Effect.flip(connection.readSubnet(head));
        yield* Effect.flip(connection.finalizedHead());
        devnet.faults.reset();
        expect((yield* connection.readSubnet(head)).block).toBe(head.block);
      }),
    );
  });
});
