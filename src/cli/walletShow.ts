/** `miaoai wallet list` and `miaoai wallet show`: what can be told of keys without any password. */
import { Command } from 'commander';
import * as Effect from 'effect/Effect';

import { commandExitCodes } from '../exitCodes.ts';
import { keysReady } from '../keys/identity.ts';
import { type KeyInfo, listWallets, type WalletInfo } from '../keys/listWallets.ts';
import { passwordVariable } from '../keys/password.ts';
import { walletsFolder } from '../keys/wallet.ts';
import { badSettings, concluding, done, type Ending, failed, walletFailed } from './ending.ts';
import { addSettings, readSettings } from './settings.ts';
import { shortWalletFlags, walletSettings } from './walletInputs.ts';

const encryptionText: { readonly [E in KeyInfo['encryption']]: string } = {
  none: 'not encrypted',
  nacl: 'encrypted',
  ansible: 'encrypted (Ansible Vault)',
  fernet: 'encrypted (Fernet, legacy)',
  absent: 'public part only',
  unreadable: 'not readable by this user',
};

const keyLine = ({ name, address, encryption, isOpenToOthers, file }: KeyInfo): string => {
  const exposed = isOpenToOthers ? `, OPEN TO OTHERS: chmod 600 ${file}` : '';
  return `${name}  ${address ?? 'address unknown without the password'}  ${encryptionText[encryption]}${exposed}`;
};

const tree = (folder: string, wallets: readonly WalletInfo[]): string => {
  if (wallets.length === 0) return `no wallets in ${folder}: make one with \`miaoai wallet new\``;
  const lines = wallets.flatMap(({ name, coldkey, hotkeys }) => [
    name,
    `  ${coldkey === null ? 'no coldkey here' : keyLine(coldkey)}`,
    ...hotkeys.map((hotkey) => `  └ ${keyLine(hotkey)}`),
  ]);
  return [folder, ...lines].join('\n');
};

const list = (command: Command): Promise<Ending> => {
  const values = readSettings(command, { walletPath: walletSettings.walletPath });
  if (!values.ok) return Promise.resolve(badSettings(values.error));
  const folder = walletsFolder(values.value.walletPath);
  return Effect.runPromise(
    Effect.match(listWallets(folder), {
      onSuccess: (wallets) => done(tree(folder, wallets), { folder, wallets }),
      onFailure: walletFailed,
    }),
  );
};

const keyText = (title: string, key: KeyInfo | undefined | null): readonly string[] =>
  key === undefined || key === null
    ? [`${title}: not there`]
    : [
        `${title}: ${key.address ?? 'address unknown without the password'}`,
        `  file      ${key.file}`,
        `  state     ${encryptionText[key.encryption]}${key.isOpenToOthers ? '; OPEN TO OTHERS: chmod 600 it' : ''}`,
        `  password  ${passwordVariable(key.file)}`,
      ];

const show = (command: Command): Promise<Ending> => {
  const values = readSettings(command, walletSettings);
  if (!values.ok) return Promise.resolve(badSettings(values.error));
  const { walletPath, walletName, walletHotkey } = values.value;
  return Effect.runPromise(
    Effect.match(listWallets(walletPath), {
      onSuccess: (wallets) => {
        const wallet = wallets.find(({ name }) => name === walletName);
        const hotkey = wallet?.hotkeys.find(({ name }) => name === walletHotkey) ?? null;
        if (wallet === undefined) {
          const message = `there is no wallet ${walletName} in ${walletPath}: \`miaoai wallet list\` shows what is`;
          return failed(commandExitCodes.key, message, 'NotFound');
        }
        const { coldkey, folder } = wallet;
        const lines = [folder, ...keyText('coldkey', coldkey), ...keyText(`hotkey ${walletHotkey}`, hotkey)];
        return done(lines.join('\n'), { name: walletName, folder, coldkey, hotkey });
      },
      onFailure: walletFailed,
    }),
  );
};

type Flags = { readonly json?: boolean };

export const listCommand = (): Command => {
  const command = addSettings(
    new Command('list'),
    { walletPath: walletSettings.walletPath },
    shortWalletFlags,
  )
    .description('the wallets of this machine with their hotkeys and addresses; needs no password')
    .option('--json', 'print one JSON object');
  return command.action((flags: Flags) =>
    concluding(
      keysReady().then(() => list(command)),
      flags.json ?? false,
    ),
  );
};

export const showCommand = (): Command => {
  const command = addSettings(new Command('show'), walletSettings, shortWalletFlags)
    .description('addresses, files and protection of one wallet; needs no password')
    .option('--json', 'print one JSON object');
  return command.action((flags: Flags) =>
    concluding(
      keysReady().then(() => show(command)),
      flags.json ?? false,
    ),
  );
};
