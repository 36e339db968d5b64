import * as Schema from 'effect/Schema';

import { isNodeUrl, leadsToFinney, networkNames } from './networks.ts';
import {
  choice,
  integer,
  optionalList,
  optionalPath,
  optionalText,
  path,
  text,
  type ValuesOf,
} from './setting.ts';
import { storeSettings } from './storeSettings.ts';

const NodeUrl = Schema.String.check(Schema.makeFilter(isNodeUrl));
const Network = Schema.String.check(
  Schema.makeFilter((name) => networkNames.includes(name) || isNodeUrl(name)),
);
/** A name inside the wallet folder, not a path. */
const FolderName = Schema.String.check(Schema.isPattern(/^(?!\.{1,2}$)[^/\\\0]{1,128}$/));
const KeyUri = Schema.String.check(Schema.isPattern(/^\S[\S ]{0,511}$/));

const chain = {
  netuid: integer({
    flag: '--netuid',
    env: 'NETUID',
    group: 'Chain',
    description: 'Number of the subnet.',
    minimum: 0,
    maximum: 65_535,
    text: '86',
  }),
  network: text({
    flag: '--network',
    flagAliases: ['--subtensor.network'],
    env: 'SUBTENSOR_NETWORK',
    envAliases: ['BT_SUBTENSOR_NETWORK'],
    group: 'Chain',
    description:
      'Network to join: finney is the main one, test the public test network, local a node on this machine.',
    placeholder: '<name|url>',
    allowed: `${networkNames.join(', ')}, or the ws:// or wss:// URL of a node`,
    schema: Network,
    text: 'finney',
  }),
  chainEndpoints: optionalList({
    flag: '--chain-endpoints',
    flagAliases: ['--subtensor.chain_endpoint'],
    env: 'BT_SUBTENSOR_CHAIN_ENDPOINT',
    envAliases: ['MIAOAI_CHAIN_ENDPOINTS'],
    group: 'Chain',
    description:
      'Nodes of the network in order of preference; the others stand in for the first. Replaces the addresses of --network.',
    placeholder: '<url,…>',
    allowed: 'ws:// or wss:// URLs with commas between them',
    schema: NodeUrl,
    note: 'those of --network',
  }),
  connectTimeoutMs: integer({
    flag: '--connect-timeout-ms',
    env: 'MIAOAI_CONNECT_TIMEOUT_MS',
    group: 'Chain',
    description: 'How long a node may take to answer the first call before the next one is tried.',
    unit: 'of milliseconds',
    minimum: 100,
    maximum: 600_000,
    text: '30000',
  }),
  chainCallTimeoutMs: integer({
    flag: '--chain-call-timeout-ms',
    env: 'MIAOAI_CHAIN_CALL_TIMEOUT_MS',
    group: 'Chain',
    description: 'How long one call to a connected node may take.',
    unit: 'of milliseconds',
    minimum: 100,
    maximum: 600_000,
    text: '30000',
  }),
  headPatienceMs: integer({
    flag: '--head-patience-ms',
    env: 'MIAOAI_HEAD_PATIENCE_MS',
    group: 'Chain',
    description:
      'Without a new block for this long a node counts as stuck. The main network makes a block every 12 s.',
    unit: 'of milliseconds',
    minimum: 1_000,
    maximum: 3_600_000,
    text: '60000',
  }),
  endpointCheckMs: integer({
    flag: '--endpoint-check-ms',
    env: 'MIAOAI_ENDPOINT_CHECK_MS',
    group: 'Chain',
    description:
      'How often another node of the list is asked how far it is; one that is ahead, or stands earlier and is well, is used.',
    unit: 'of milliseconds',
    minimum: 1_000,
    maximum: 3_600_000,
    text: '60000',
  }),
} as const;

const wallet = {
  walletName: text({
    flag: '--wallet-name',
    flagAliases: ['--wallet.name'],
    env: 'BT_WALLET_NAME',
    group: 'Wallet',
    description: 'Name of the wallet (the coldkey). No daemon reads the coldkey itself.',
    placeholder: '<name>',
    allowed: 'a folder name, not a path',
    schema: FolderName,
    text: 'default',
  }),
  walletHotkey: text({
    flag: '--wallet-hotkey',
    flagAliases: ['--wallet.hotkey'],
    env: 'BT_WALLET_HOTKEY',
    group: 'Wallet',
    description: 'Name of the hotkey within the wallet.',
    placeholder: '<name>',
    allowed: 'a file name, not a path',
    schema: FolderName,
    text: 'default',
  }),
  walletPath: path({
    flag: '--wallet-path',
    flagAliases: ['--wallet.path'],
    env: 'BT_WALLET_PATH',
    group: 'Wallet',
    description: 'Folder of the wallets.',
    text: '~/.bittensor/wallets',
  }),
  walletPasswordFile: optionalPath({
    flag: '--wallet-password-file',
    env: 'BT_WALLET_PASSWORD_FILE',
    group: 'Wallet',
    description: 'File with the password of an encrypted key and nothing else.',
    note: "systemd's credential hotkey_password, a BT_PW_ variable, or a question on the terminal",
  }),
  hotkeyUri: optionalText({
    flag: '--hotkey-uri',
    env: 'MIAOAI_HOTKEY_URI',
    group: 'Wallet',
    description: 'Development only, never on finney: a secret such as //Alice in place of the wallet.',
    placeholder: '<uri>',
    allowed: 'a secret URI of at most 512 characters, such as //Alice',
    schema: KeyUri,
    note: 'the wallet',
    secret: true,
  }),
} as const;

const daemon = {
  dataDir: optionalPath({
    flag: '--data-dir',
    env: 'MIAOAI_DATA_DIR',
    group: 'State and logs',
    description: 'Folder for everything this daemon keeps; each daemon needs its own.',
    note: '~/.local/state/miaoai/<network>/<netuid>/<hotkey>/<role>',
  }),
  logLevel: choice({
    flag: '--log-level',
    flagAliases: ['--logging.level'],
    env: 'MIAOAI_LOG_LEVEL',
    envAliases: ['BT_LOGGING_INFO'],
    group: 'State and logs',
    description: 'Least important messages to show: trace, debug, info, warn, error, fatal or silent.',
    placeholder: '<level>',
    words: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    // Names of Python's logging, and the yes that the SDK itself expects in BT_LOGGING_INFO.
    spellings: { warning: 'warn', critical: 'fatal', true: 'info', '1': 'info' },
    text: 'info',
  }),
  logFormat: choice({
    flag: '--log-format',
    env: 'MIAOAI_LOG_FORMAT',
    group: 'State and logs',
    description: 'json for machines, pretty for people; auto is pretty on a terminal only.',
    words: ['auto', 'json', 'pretty'],
    text: 'auto',
  }),
  drainGraceMs: integer({
    flag: '--drain-grace-ms',
    env: 'MIAOAI_DRAIN_GRACE_MS',
    group: 'State and logs',
    description:
      'After a signal to stop: how long work in progress may take to end. A second signal ends it at once.',
    unit: 'of milliseconds',
    minimum: 0,
    maximum: 600_000,
    text: '30000',
  }),
} as const;

/** What both daemons are told. */
export const commonSettings = { ...chain, ...wallet, ...daemon, ...storeSettings } as const;

/** Rules between settings; each entry says what to change. `chainEndpoints` are the resolved ones. */
export const commonProblems = (
  values: Pick<ValuesOf<typeof commonSettings>, 'hotkeyUri' | 'network'>,
  chainEndpoints: readonly string[],
): readonly string[] => {
  const isFinney = values.network === 'finney' || leadsToFinney(chainEndpoints);
  return values.hotkeyUri !== null && isFinney
    ? [
        '--hotkey-uri (MIAOAI_HOTKEY_URI) is for development and refused on finney: remove it and use a wallet, or choose another --network',
      ]
    : [];
};
