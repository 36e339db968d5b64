import manifest from '../package.json' with { type: 'json' };

/** Version of this software, from package.json. */
export const version: string = manifest.version;

/** `major × 1e6 + minor × 1e3 + patch`, the form the chain stores with an axon (bittensor/core/settings.py). */
export const versionInteger: number = version
  .split('.')
  .map(Number)
  .reduce((sum, part) => sum * 1_000 + part, 0);
