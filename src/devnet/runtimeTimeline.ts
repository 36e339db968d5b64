/** Which runtime a chain has after which block, and the upgrades that are still to come. */
import type { CodeUpgrade } from './blockBuilder.ts';
import { hiddenPrefix, storagePrefix } from './context.ts';
import type { NamesByOwner, RuntimeProfile } from './profiles.ts';
import type { Runtime } from './runtime.ts';

/** From the state after `fromBlock` on, so that the block after it is the first one that the runtime executes. */
export type RuntimeChange = { readonly fromBlock: number; readonly profile: RuntimeProfile };

export type RuntimeTimeline = {
  /** Runtime in the state after a block. */
  at(block: number): Runtime;
  /** Has block `atBlock` set the code of a profile. */
  schedule(profile: RuntimeProfile, atBlock: number): void;
  /** What building `block` does to the code: sets it, or starts what its parent has set. */
  upgradeIn(block: number): CodeUpgrade;
  /** Notes that a block was built. */
  built(block: number): void;
  /** Forgets changes after a block; scheduled ones happen again. */
  rollback(block: number): void;
  changes(): readonly RuntimeChange[];
  upgrades(): readonly RuntimeChange[];
  restore(changes: readonly RuntimeChange[], upgrades: readonly RuntimeChange[]): void;
};

/** Moves of items that one runtime keeps out of sight and the other shows. */
const movesOf = (hidden: NamesByOwner, shown: NamesByOwner): readonly (readonly [string, string])[] =>
  Object.entries(hidden).flatMap(([pallet, names]) =>
    names
      .filter((name) => shown[pallet]?.includes(name) !== true)
      .map((name) => [hiddenPrefix(pallet, name), storagePrefix(pallet, name)] as const),
  );
const migrations = (from: RuntimeProfile, to: RuntimeProfile): CodeUpgrade['moves'] => [
  ...movesOf(from.withoutStorage, to.withoutStorage),
  ...movesOf(to.withoutStorage, from.withoutStorage).map(([hidden, plain]) => [plain, hidden] as const),
];

/** The bytes that stand for the WASM of a runtime in `:code`. */
export const codeOf = ({ name }: RuntimeProfile): Uint8Array =>
  new TextEncoder().encode(`miaoai devnet: runtime ${name}`);

/** `make` gives the runtime of a profile; it is asked once for each. */
export const createRuntimeTimeline = (
  first: Runtime,
  make: (profile: RuntimeProfile) => Runtime,
): RuntimeTimeline => {
  const runtimes = new Map<RuntimeProfile, Runtime>([[first.profile, first]]);
  const scheduled = new Map<number, RuntimeProfile>();
  let changes: readonly RuntimeChange[] = [{ fromBlock: 0, profile: first.profile }];

  const profileAt = (block: number): RuntimeProfile =>
    changes.findLast(({ fromBlock }) => fromBlock <= block)?.profile ?? first.profile;
  const runtimeOf = (profile: RuntimeProfile): Runtime => {
    const runtime = runtimes.get(profile) ?? make(profile);
    runtimes.set(profile, runtime);
    return runtime;
  };
  return {
    at: (block) => runtimeOf(profileAt(block)),
    schedule: (profile, atBlock) => {
      scheduled.set(atBlock, profile);
    },
    upgradeIn: (block) => {
      const next = scheduled.get(block);
      const current = profileAt(block - 1);
      const previous = profileAt(block - 2);
      return {
        code: next && codeOf(next),
        moves: previous === current ? [] : migrations(previous, current),
      };
    },
    built: (block) => {
      const profile = scheduled.get(block);
      if (profile !== undefined) changes = [...changes, { fromBlock: block, profile }];
    },
    rollback: (block) => {
      changes = changes.filter(({ fromBlock }) => fromBlock <= block);
    },
    changes: () => changes,
    upgrades: () => [...scheduled].map(([fromBlock, profile]) => ({ fromBlock, profile })),
    restore: (restored, upgrades) => {
      changes = restored;
      for (const { fromBlock, profile } of upgrades) scheduled.set(fromBlock, profile);
    },
  };
};
