import { storageValue } from '../pallet.ts';
import { bool } from '../scale.ts';
import { networkStorage, rateLimitStorage, takeStorage } from './limitStorage.ts';
import {
  commitStorage,
  endpointStorage,
  epochOutputStorage,
  neuronIdentityStorage,
  stakeStorage,
} from './neuronStorage.ts';
import {
  hyperparameterStorage,
  poolStorage,
  scheduleStorage,
  subnetIdentityStorage,
} from './subnetStorage.ts';

/** Everything the pallet stores. */
export const storage = {
  ...subnetIdentityStorage,
  ...scheduleStorage,
  ...hyperparameterStorage,
  ...poolStorage,
  ...neuronIdentityStorage,
  ...endpointStorage,
  ...epochOutputStorage,
  ...commitStorage,
  ...stakeStorage,
  ...takeStorage,
  ...rateLimitStorage,
  ...networkStorage,
  /** Only on the embedded chain: lets neurons serve 127.0.0.1, which the real chain refuses. */
  DevnetAllowLoopbackAxon: storageValue(bool, false),
};

/** netuid 0: no neurons of its own kind, no epochs. */
export const ROOT = 0;
const MAX_SUBNETS = 4096;

/** Key of what each mechanism of a subnet has for itself; mechanism 0 has the plain netuid. */
export const storageIndex = (netuid: number, mechanism: number): number => mechanism * MAX_SUBNETS + netuid;
