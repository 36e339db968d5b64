/**
 * Pallet Commitments: what hotkeys publish about themselves on a subnet.
 *
 * Timelocked fields are kept as they are: the embedded chain does not decrypt them when their pulse arrives, so that
 * `RevealedCommitments` stays empty unless a test writes it. Source: pallets/commitments/src/lib.rs.
 */
import { accountId } from '../chainTypes.ts';
import {
  type Context,
  call,
  constant,
  declareErrors,
  definePallet,
  ensureRoot,
  ensureSigned,
  event,
  identity,
  ModuleError,
  type Origin,
  type ReadContext,
  storageMap,
  storageValue,
  twox64,
} from '../pallet.ts';
import { bytes, newtype, tuple, u16, u32, u64, type ValueOf, vec } from '../scale.ts';
import { storage as subtensor } from '../subtensor/storage.ts';
import { mechanismIndices, uidOf } from '../subtensor/subnets.ts';
import { commitmentInfo, MAX_FIELDS, registration, revealRoundOf, spaceOf, usageTracker } from './data.ts';

/** Every commitment counts as at least this many bytes. */
const MIN_SPACE_BYTES = 100;
const DEFAULT_MAX_SPACE_BYTES = 3100;

const timelockedEntry = tuple(u16, accountId);
const place = [identity(u16), twox64(accountId)] as const;
export const commitmentStorage = {
  /** Sorted: who has timelocked fields. */
  TimelockedIndex: storageValue(
    newtype('BTreeSet', vec(timelockedEntry), [{ name: 'T', type: timelockedEntry }]),
    [],
  ),
  CommitmentOf: storageMap(place, registration),
  LastCommitment: storageMap(place, u32),
  LastBondsReset: storageMap(place, u32),
  /** (plaintext, block of the reveal) */
  RevealedCommitments: storageMap(place, vec(tuple(bytes, u64))),
  UsedSpaceOf: storageMap(place, usageTracker),
  /** Bytes per hotkey and epoch. */
  MaxSpace: storageValue(u32, DEFAULT_MAX_SPACE_BYTES),
};
const committed = { netuid: u16, who: accountId };
const events = {
  Commitment: event(0, committed),
  TimelockCommitment: event(1, { ...committed, revealRound: u64 }),
  CommitmentRevealed: event(2, committed),
};
const errors = declareErrors({
  TooManyFieldsInCommitmentInfo: 0,
  AccountNotAllowedCommit: 1,
  SpaceLimitExceeded: 2,
  UnexpectedUnreserveLeftover: 3,
});

type Commitment = { readonly netuid: number; readonly info: ValueOf<typeof commitmentInfo> };

/** With the flag in a commitment a hotkey asks that the bonds for it are forgotten; the subnet has to allow it. */
const resetBonds = (ctx: Context, netuid: number, who: Uint8Array): void => {
  ctx.put(commitmentStorage.LastBondsReset, netuid, who, ctx.block);
  const uid = uidOf(ctx, netuid, who);
  if (uid === undefined || !ctx.get(subtensor.BondsResetOn, netuid)) return;
  for (const index of mechanismIndices(ctx, netuid))
    for (const { keys, value } of ctx.iterate(subtensor.Bonds, index)) {
      const kept = value.filter(([target]) => target !== uid);
      if (kept.length < value.length) ctx.put(subtensor.Bonds, ...keys, kept);
    }
};

/** Takes the bytes of a commitment out of what the hotkey may use in this epoch of the subnet. */
const useSpace = (ctx: Context, { netuid, info }: Commitment, who: Uint8Array): void => {
  const needed = Math.max(
    MIN_SPACE_BYTES,
    info.fields.reduce((sum, field) => sum + spaceOf(field), 0),
  );
  const lastEpoch = ctx.get(subtensor.SubnetEpochIndex, netuid);
  const used = ctx.get(commitmentStorage.UsedSpaceOf, netuid, who);
  const usedSpace = (used?.lastEpoch === lastEpoch ? used.usedSpace : 0n) + BigInt(needed);
  if (usedSpace > ctx.get(commitmentStorage.MaxSpace)) throw new ModuleError(errors.SpaceLimitExceeded);
  ctx.put(commitmentStorage.UsedSpaceOf, netuid, who, { lastEpoch, usedSpace });
};

const compareEntries = (
  [netuidA, whoA]: readonly [number, Uint8Array],
  [netuidB, whoB]: readonly [number, Uint8Array],
): number => netuidA - netuidB || Buffer.compare(whoA, whoB);

const indexTimelocked = (ctx: Context, netuid: number, who: Uint8Array, isTimelocked: boolean): void => {
  const entry = [netuid, who] as const;
  const index = ctx.get(commitmentStorage.TimelockedIndex);
  const others = index.filter((other) => compareEntries(other, entry) !== 0);
  if (!isTimelocked && others.length === index.length) return;
  const next = isTimelocked ? [...others, entry].sort(compareEntries) : others;
  ctx.put(commitmentStorage.TimelockedIndex, next);
};

const setCommitment = (ctx: Context, commitment: Commitment, origin: Origin): void => {
  const who = ensureSigned(origin);
  const { netuid, info } = commitment;
  if (uidOf(ctx, netuid, who) === undefined) throw new ModuleError(errors.AccountNotAllowedCommit);
  if (info.fields.length > MAX_FIELDS) throw new ModuleError(errors.TooManyFieldsInCommitmentInfo);
  if (info.fields.some(({ tag }) => tag === 'ResetBondsFlag')) resetBonds(ctx, netuid, who);
  useSpace(ctx, commitment, who);
  ctx.put(commitmentStorage.CommitmentOf, netuid, who, { deposit: 0n, block: ctx.block, info });
  ctx.put(commitmentStorage.LastCommitment, netuid, who, ctx.block);
  const revealRound = revealRoundOf(info.fields);
  indexTimelocked(ctx, netuid, who, revealRound !== undefined);
  if (revealRound === undefined) ctx.emit(events.Commitment, { netuid, who });
  else ctx.emit(events.TimelockCommitment, { netuid, who, revealRound });
};

/** Hotkeys with the SCALE bytes of what they committed, as the metagraph shows them. */
export const readCommitments = (
  ctx: ReadContext,
  netuid: number,
): readonly (readonly [Uint8Array, Uint8Array])[] =>
  ctx
    .iterate(commitmentStorage.CommitmentOf, netuid)
    .map(({ keys: [, who], value }) => [who, registration.enc(value)]);

export const commitments = definePallet({
  name: 'Commitments',
  index: 18,
  storage: commitmentStorage,
  events,
  errors,
  constants: {
    MaxFields: constant(u32, MAX_FIELDS),
    InitialDeposit: constant(u64, 0n),
    FieldDeposit: constant(u64, 0n),
  },
  calls: {
    set_commitment: call({
      index: 0,
      args: { netuid: u16, info: commitmentInfo },
      pays: false,
      dispatch: setCommitment,
    }),
    set_max_space: call({
      index: 2,
      args: { newLimit: u32 },
      pays: true,
      dispatch: (ctx, { newLimit }, origin) => {
        ensureRoot(origin);
        ctx.put(commitmentStorage.MaxSpace, newLimit);
      },
    }),
  },
});
