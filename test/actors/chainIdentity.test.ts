import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { chainOfNetwork, chainOfStore, firstChainSeen } from '#src/actors/chainIdentity.ts';
import { genesisOf } from '#src/config/networks.ts';
import { EmbeddedStore } from '#src/store/sqlite.ts';

const one = `0x${'11'.repeat(32)}`;
const other = `0x${'22'.repeat(32)}`;

const failureOf = <A>(effect: Effect.Effect<A, { readonly _tag: string; readonly message: string }>) =>
  Effect.runPromise(Effect.match(effect, { onSuccess: () => null, onFailure: (failure) => failure }));

describe('actors / chainIdentity', () => {
  let dir: string;
  beforeEach(() => {
    dir = join(mkdtempSync(join(tmpdir(), 'miaoai-chain-')), 'data');
  });
  afterEach(() => rmSync(join(dir, '..'), { recursive: true, force: true }));

  it('a process holds on to the first chain it sees', async () => {
    const check = firstChainSeen();
    expect(await failureOf(check(one))).toBeNull();
    expect(await failureOf(check(one))).toBeNull();
    expect(await failureOf(check(other))).toMatchObject({ _tag: 'Malformed' });
    expect(await failureOf(check(one))).toBeNull();
  });

  it('a network whose genesis is known is never taken for another, however early that one is seen', async () => {
    const finney = genesisOf('finney') ?? '';
    expect(finney).toMatch(/^0x[0-9a-f]{64}$/);
    const check = chainOfNetwork(finney, firstChainSeen());
    expect(await failureOf(check(one))).toMatchObject({ _tag: 'Malformed' });
    // The foreign chain was not held on to either.
    expect(await failureOf(check(finney))).toBeNull();
    expect((await failureOf(check(other)))?.message).toContain(`${other}, that of the network is ${finney}`);
  });

  it('a network whose genesis is not known is the first chain seen', async () => {
    const check = chainOfNetwork(genesisOf('local'), firstChainSeen());
    expect(await failureOf(check(one))).toBeNull();
    expect(await failureOf(check(other))).toMatchObject({ _tag: 'Malformed' });
  });

  it('a data folder belongs to one chain, also after a restart: epoch numbers of two chains must not meet', async () => {
    const ask = (genesisHash: string) =>
      Effect.runPromise(
        Effect.scoped(
          Effect.gen(function* () {
            const store = yield* EmbeddedStore.open({ dir });
            return yield* Effect.match(chainOfStore(store)(genesisHash), {
              onSuccess: () => 'same',
              onFailure: ({ message }) => message,
            });
          }),
        ),
      );
    expect(await ask(one)).toBe('same');
    expect(await ask(one)).toBe('same');
    const refusal = await ask(other);
    expect(refusal).toContain(one);
    expect(refusal).toContain(other);
    expect(refusal).toContain('--data-dir');
  });

  it('asks the store once: one that is away later does not look like an endpoint that fails', async () => {
    const open = Effect.map(EmbeddedStore.open({ dir }), chainOfStore);
    const check = await Effect.runPromise(
      Effect.scoped(Effect.tap(open, (opened) => Effect.orDie(opened(one)))),
    );
    // The store is closed by now.
    expect(await failureOf(check(one))).toBeNull();
    expect((await failureOf(check(other)))?.message).toContain(one);
  });
});
