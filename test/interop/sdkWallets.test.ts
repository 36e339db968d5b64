import { readFileSync } from 'node:fs';
import * as Effect from 'effect/Effect';
import * as Redacted from 'effect/Redacted';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identityOf, keysReady, verifySignature } from '#src/keys/identity.ts';
import { saveKey } from '#src/keys/saveKey.ts';
import { newSecret } from '#src/keys/secret.ts';
import { decodeHotkey } from '#src/keys/ss58.ts';
import { loadHotkey, openKey, type WalletLocation, walletFiles } from '#src/keys/wallet.ts';
import { type Sdk, startSdk } from './sdk.ts';

const PASSWORD = 'Correct-Horse-7-Battery';
const MESSAGE = 'interop';
let sdk: Sdk;
beforeAll(async () => {
  await keysReady();
  sdk = startSdk();
});
afterAll(() => sdk?.stop());

const at = (name: string): WalletLocation => ({ path: sdk.folder, name, hotkey: 'default' });
const typed = (password: string) => ({ passwordFile: null, env: {}, ask: async () => password });
const message = new TextEncoder().encode(MESSAGE);
const publicKeyOf = (address: string): Uint8Array => {
  const decoded = decodeHotkey(address);
  if (!decoded.ok) throw new Error(decoded.error.message);
  return decoded.value;
};
type Loaded = {
  readonly coldkey: string;
  readonly coldkeypub: string;
  readonly hotkey: string;
  readonly encrypted: boolean;
  readonly coldkeySignature: string;
  readonly hotkeySignature: string;
};
const isSigned = (address: string, signature: string): boolean =>
  verifySignature({
    message,
    signature: new Uint8Array(Buffer.from(signature, 'hex')),
    publicKey: publicKeyOf(address),
  });

describe('interop / wallets of the official SDK', () => {
  it.each([
    ['plain', null],
    ['encrypted', PASSWORD],
  ])('load here: %s', async (name, password) => {
    const created = await sdk.ask<{
      readonly coldkey: string;
      readonly hotkey: string;
      readonly encrypted: boolean;
    }>('create_wallet', { path: sdk.folder, name, password });
    expect(created.encrypted).toBe(password !== null);
    const start = readFileSync(walletFiles(at(name)).coldkey)
      .subarray(0, 5)
      .toString('latin1');
    expect(start === '$NACL').toBe(password !== null);
    const hotkey = await Effect.runPromise(loadHotkey(at(name)));
    expect(hotkey.hotkey).toBe(created.hotkey);
    const coldkey = await Effect.runPromise(openKey(at(name), 'coldkey', typed(password ?? '')));
    expect(coldkey.secret.address).toBe(created.coldkey);
    const signature = Buffer.from(identityOf(coldkey.secret.pair).sign(message)).toString('hex');
    expect(await sdk.ask('verify', { address: created.coldkey, message: MESSAGE, signature })).toBe(true);
    expect(await sdk.ask('verify', { address: created.hotkey, message: MESSAGE, signature })).toBe(false);
  });

  it('do not open with another password', async () => {
    const opened = Effect.runPromise(
      openKey(at('encrypted'), 'coldkey', { passwordFile: null, env: {}, ask: async () => 'wrong' }),
    );
    await expect(opened).rejects.toMatchObject({ reason: 'WrongPassword' });
  });
});

describe('interop / wallets made here', () => {
  it.each([
    ['ours-plain', null],
    ['ours-encrypted', PASSWORD],
  ])('load in the official SDK: %s', async (name, password) => {
    const coldkey = newSecret(12);
    const hotkey = newSecret(24);
    const save = (kind: 'coldkey' | 'hotkey', secret: typeof coldkey, lock: string | null) =>
      Effect.runPromise(
        saveKey({
          location: at(name),
          kind,
          secret,
          password: lock === null ? null : Redacted.make(lock),
          overwrite: false,
        }),
      );
    await save('coldkey', coldkey, password);
    await save('hotkey', hotkey, null);
    const loaded = await sdk.ask<Loaded>('load_wallet', {
      path: sdk.folder,
      name,
      password,
      message: MESSAGE,
    });
    expect(loaded).toMatchObject({
      coldkey: coldkey.address,
      coldkeypub: coldkey.address,
      hotkey: hotkey.address,
      encrypted: password !== null,
    });
    expect(isSigned(loaded.coldkey, loaded.coldkeySignature)).toBe(true);
    expect(isSigned(loaded.hotkey, loaded.hotkeySignature)).toBe(true);
    expect(isSigned(loaded.hotkey, loaded.coldkeySignature)).toBe(false);
  });
});
