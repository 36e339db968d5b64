import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as Schema from 'effect/Schema';

import { type Outcome, succeed } from '../domain/outcome.ts';
import { MAX_QUEUED_TEXTS, MAX_WORKERS } from '../inference/poolLimits.ts';
import {
  choice,
  decimal,
  flag,
  integer,
  integerOr,
  optionalText,
  type Place,
  paths,
  text,
} from './setting.ts';

const Address = Schema.String.check(Schema.makeFilter((given) => isIP(given) !== 0));
const port = { minimum: 1, maximum: 65_535 } as const;

/** Nearest folder above this code that holds a package.json: the sources and the bundle lie at different depths. */
const installation = (): string => {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, 'package.json')) && dirname(dir) !== dir) dir = dirname(dir);
  return dir;
};

const publicAddress = optionalText({
  flag: '--axon-ip',
  flagAliases: ['--axon.ip', '--axon.external_ip'],
  env: 'AXON_IP',
  envAliases: ['BT_AXON_EXTERNAL_IP'],
  group: 'Address',
  description: 'Public address that the chain publishes for this miner; 0.0.0.0 is the same as none.',
  placeholder: '<address>',
  allowed: 'an IPv4 or IPv6 address, not a name',
  schema: Address,
  note: 'none',
});

/** The original's example file says 0.0.0.0, which nobody can dial. */
const isAnyAddress = (address: string | null): boolean => address === '0.0.0.0' || address === '::';

const axon = {
  axonIp: {
    ...publicAddress,
    decode: (given: string, place: Place): Outcome<string | null, null> => {
      const address = publicAddress.decode(given, place);
      return address.ok && isAnyAddress(address.value) ? succeed(null) : address;
    },
  },
  axonPort: integer({
    flag: '--axon-port',
    flagAliases: ['--axon.port'],
    env: 'AXON_PORT',
    envAliases: ['BT_AXON_PORT'],
    group: 'Address',
    description: 'Port to listen on for validators.',
    ...port,
    text: '8091',
  }),
  externalPort: integerOr({
    flag: '--external-port',
    flagAliases: ['--axon.external_port'],
    env: 'AXON_EXTERNAL_PORT',
    envAliases: ['BT_AXON_EXTERNAL_PORT'],
    group: 'Address',
    description: 'Port that the chain publishes, where a router or a rented machine maps ports.',
    ...port,
    value: () => null,
    note: 'that of --axon-port',
  }),
  withdrawAxonOnStop: flag({
    flag: '--withdraw-axon-on-stop',
    env: 'MIAOAI_WITHDRAW_AXON_ON_STOP',
    group: 'Address',
    description:
      'Take the address off the chain on a clean stop, which may take a minute. Not for a mere restart: the chain takes a new address only after its serving rate limit.',
    text: 'false',
  }),
  bindHost: text({
    flag: '--bind-host',
    env: 'MIAOAI_BIND_HOST',
    group: 'Address',
    description: 'Local address to listen on.',
    placeholder: '<address>',
    allowed: 'an IPv4 or IPv6 address of this machine',
    schema: Address,
    text: '0.0.0.0',
  }),
} as const;

const inference = {
  modelDirs: paths({
    flag: '--model-dirs',
    env: 'MIAOAI_MODEL_DIRS',
    group: 'Inference',
    description: 'Folders of ONNX models in the layout of Hugging Face, or folders of such folders.',
    value: () => [join(installation(), 'models')],
    note: 'models/ of this installation',
  }),
  provider: choice({
    flag: '--provider',
    env: 'MIAOAI_PROVIDER',
    group: 'Inference',
    description:
      'What computes: auto takes a GPU if there is one and says so if there is none; cuda insists on it.',
    words: ['auto', 'cpu', 'cuda'],
    text: 'auto',
  }),
  workers: integerOr({
    flag: '--workers',
    env: 'MIAOAI_WORKERS',
    group: 'Inference',
    description: 'Processes that run models; one or two for a GPU.',
    minimum: 1,
    maximum: MAX_WORKERS,
    value: () => Math.min(MAX_WORKERS, Math.max(1, availableParallelism() - 1)),
    note: 'CPU cores less one, at least 1',
  }),
  queueLimit: integer({
    flag: '--queue-limit',
    env: 'MIAOAI_QUEUE_LIMIT',
    group: 'Inference',
    description: 'Texts that may wait for a worker; beyond it validators are told that the miner is busy.',
    minimum: 1,
    maximum: MAX_QUEUED_TEXTS,
    text: '256',
  }),
} as const;

const admission = {
  requirePermit: flag({
    flag: '--require-permit',
    env: 'MIAOAI_REQUIRE_PERMIT',
    group: 'Admission',
    description: 'Serve only validators that hold a permit of the subnet.',
    text: 'true',
  }),
  minValidatorStake: decimal({
    flag: '--min-validator-stake',
    env: 'MIN_VALIDATOR_STAKE_DTAO',
    group: 'Admission',
    description: 'Serve only validators with at least this stake weight, in alpha.',
    minimum: 0,
    maximum: 21_000_000,
    text: '0',
  }),
} as const;

/** What only a miner is told. */
export const minerSettings = { ...axon, ...inference, ...admission } as const;
