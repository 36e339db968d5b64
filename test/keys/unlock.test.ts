import { EventEmitter } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import * as Effect from 'effect/Effect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { sealVault } from '#src/keys/ansibleVault.ts';
import { isPasswordProblem, type WalletError } from '#src/keys/errors.ts';
import { type Identity, keysReady } from '#src/keys/identity.ts';
import { keyfileJson } from '#src/keys/keyfile.ts';
import { maskPassword, type PasswordPlaces, passwordVariable } from '#src/keys/password.ts';
import { type TerminalInput, terminalPrompt } from '#src/keys/prompt.ts';
import { newSecret } from '#src/keys/secret.ts';
import { hotkeyFile, loadHotkey } from '#src/keys/wallet.ts';

/** Keyfiles under Ansible Vault here: the same way to the password as `$NACL`, without its seconds. */
const PASSWORD = 'correct horse ☃';
const nowhere: PasswordPlaces = { passwordFile: null, env: {}, ask: null };

let root: string;
let location: { readonly path: string; readonly name: string; readonly hotkey: string };
let address: string;

const inFile = async (name: string, content: string | Buffer): Promise<string> => {
  await writeFile(join(root, name), content);
  return join(root, name);
};
const load = (places: Partial<PasswordPlaces>): Promise<Identity> =>
  Effect.runPromise(loadHotkey(location, { ...nowhere, ...places }));
const refusal = (places: Partial<PasswordPlaces>): Promise<WalletError> =>
  Effect.runPromise(Effect.flip(loadHotkey(location, { ...nowhere, ...places })));

const answers = (...given: readonly (string | null)[]) => {
  const questions: string[] = [];
  const ask = async (question: string): Promise<string | null> => {
    questions.push(question);
    return given[questions.length - 1] ?? null;
  };
  return { ask, questions };
};

describe('keys / unlock', () => {
  beforeAll(async () => {
    await keysReady();
    root = await mkdtemp(join(tmpdir(), 'miaoai-unlock-'));
    location = { path: join(root, 'wallets'), name: 'main', hotkey: 'a.b' };
    const secret = newSecret(12);
    address = secret.address;
    await mkdir(join(root, 'wallets', 'main', 'hotkeys'), { recursive: true });
    await writeFile(hotkeyFile(location), await sealVault(Buffer.from(keyfileJson(secret)), PASSWORD));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  it('needs the hotkey alone: there is no coldkey in the folder', async () => {
    const passwordFile = await inFile('good', `${PASSWORD}\n`);
    expect((await load({ passwordFile })).hotkey).toBe(address);
  });

  it('takes the systemd credential, and the file before it', async () => {
    const credentials = join(root, 'credentials');
    await mkdir(credentials, { recursive: true });
    await writeFile(join(credentials, 'hotkey_password'), PASSWORD);
    const env = { CREDENTIALS_DIRECTORY: credentials };
    expect((await load({ env })).hotkey).toBe(address);
    const passwordFile = await inFile('bad', 'wrong');
    expect(await refusal({ env, passwordFile })).toMatchObject({ reason: 'WrongPassword' });
  });

  it('goes on to the next place where the credential of this key is not there', async () => {
    const env = { CREDENTIALS_DIRECTORY: root };
    expect((await load({ env, ask: answers(PASSWORD).ask })).hotkey).toBe(address);
  });

  it("takes btwallet's variable", async () => {
    const variable = passwordVariable(hotkeyFile(location));
    expect(variable).toMatch(/^BT_PW__.*_WALLETS_MAIN_HOTKEYS_A_B$/);
    expect((await load({ env: { [variable]: maskPassword(PASSWORD, variable) } })).hotkey).toBe(address);
    const plain = await refusal({ env: { [variable]: 'not base64!' } });
    expect(plain).toMatchObject({ reason: 'NoPassword' });
    expect(plain.message).toContain('password-variable');
    expect(await refusal({ env: { [variable]: maskPassword('other', variable) } })).toMatchObject({
      reason: 'WrongPassword',
    });
  });

  it('takes the variable of a wallet whose path was given relative to the working directory', async () => {
    const variable = passwordVariable(relative(process.cwd(), hotkeyFile(location)));
    const env = { [variable]: maskPassword(PASSWORD, variable) };
    expect(await refusal({ env })).toMatchObject({ reason: 'NoPassword' });
    const before = process.cwd();
    process.chdir(root);
    const near = ['BT_PW_WALLETS_MAIN_HOTKEYS_A_B', 'BT_PW___WALLETS_MAIN_HOTKEYS_A_B'];
    for (const name of near) {
      expect((await load({ env: { [name]: maskPassword(PASSWORD, name) } })).hotkey).toBe(address);
    }
    process.chdir(before);
  });

  it("masks a password as btwallet's documentation shows", () => {
    const variable = passwordVariable('/home/user/.bittensor/wallets/default/coldkey');
    expect(variable).toBe('BT_PW__HOME_USER__BITTENSOR_WALLETS_DEFAULT_COLDKEY');
    expect(maskPassword('testing-password', variable)).toBe('NjEsJD4xOGU/LDYsIjw3Ng==');
  });

  it('asks a person up to three times', async () => {
    const second = answers('no', PASSWORD);
    expect((await load({ ask: second.ask })).hotkey).toBe(address);
    expect(second.questions).toHaveLength(2);
    const never = answers('a', 'b', 'c', PASSWORD);
    expect(await refusal({ ask: never.ask })).toMatchObject({ reason: 'WrongPassword' });
    expect(never.questions).toHaveLength(3);
    expect(await refusal({ ask: answers(null).ask })).toMatchObject({ reason: 'NoPassword' });
  });

  it('fails at once where nobody gives one, and never shows a password', async () => {
    const error = await refusal({});
    expect(isPasswordProblem(error)).toBe(true);
    expect(error.message).toContain('BT_WALLET_PASSWORD_FILE');
    const wrong = await refusal({ passwordFile: await inFile('bad', 'hunter2hunter2') });
    expect(wrong.message).toContain(join(root, 'bad'));
    expect(wrong.message).not.toContain('hunter2');
  });

  it.each([
    ['has two lines', 'one\ntwo\n', 'more than one line'],
    ['is empty', '\n', 'is empty'],
    ['is no text', Buffer.of(0x70, 0xff), 'not UTF-8'],
    ['is far too large', 'x'.repeat(70_000), 'more than one line'],
  ])('refuses a password file that %s', async (_name, content, message) => {
    expect((await refusal({ passwordFile: await inFile('odd', content) })).message).toContain(message);
  });

  it('says why a password file cannot be read', async () => {
    expect((await refusal({ passwordFile: join(root, 'missing') })).message).toContain('ENOENT');
    expect((await refusal({ passwordFile: root })).message).toContain('EISDIR');
  });

  describe('prompt', () => {
    class Keyboard extends EventEmitter {
      isTTY = true;
      raw: boolean[] = [];
      setRawMode = (mode: boolean) => {
        this.raw.push(mode);
        return this;
      };
      pause = () => this;
      resume = () => this;
    }
    const terminal = () => {
      const keyboard = new Keyboard();
      const written: string[] = [];
      const output = { isTTY: true, write: (text: string) => written.push(text) };
      // The part of a terminal that the prompt uses; a real one cannot be had in a test runner.
      const ask = terminalPrompt(keyboard as unknown as TerminalInput, output);
      if (ask === null) throw new Error('no prompt');
      return { keyboard, written, ask };
    };

    it.each([
      ['a line', ['pass', 'word\r'], 'password'],
      ['corrections', ['pax\u007f\u007fassw0\bord\n'], 'password'],
      ['a line begun again', ['wrong\u0015password\r'], 'password'],
      ['Ctrl-C', ['pass\u0003'], null],
      ['Ctrl-D at the start', ['\u0004'], null],
      ['Ctrl-D at the end', ['password\u0004'], 'password'],
      ['arrow keys, of which the control character is dropped', ['\u001b[Aa\r'], '[Aa'],
    ])('reads %s without showing it', async (_name, chunks, expected) => {
      const { keyboard, written, ask } = terminal();
      const answer = ask('Password: ');
      for (const chunk of chunks) keyboard.emit('data', Buffer.from(chunk));
      expect(await answer).toBe(expected);
      expect(written.join('')).toBe('Password: \n');
      expect(keyboard.raw).toEqual([true, false]);
      expect(keyboard.listenerCount('data')).toBe(0);
    });

    it('is not there without a terminal', () => {
      const keyboard = new Keyboard() as unknown as TerminalInput;
      expect(terminalPrompt(keyboard, { write: () => true })).toBeNull();
    });
  });
});
