/** Pallet Commitments as far as raw and hashed fields go, so that the client's bytes meet a chain that decodes them. */
import { accountId } from '#src/devnet/chainTypes.ts';
import {
  call,
  declareErrors,
  definePallet,
  ensureSigned,
  identity,
  ModuleError,
  storageMap,
  twox64,
} from '#src/devnet/pallet.ts';
import { boundedVec, fixedBytes, struct, u16, u32, u64, variant } from '#src/devnet/scale.ts';
import { uidOf } from '#src/devnet/subtensor/subnets.ts';

const path = 'pallet_commitments::types';
const RAW_CASES = 129;
const HASHES = ['BlakeTwo256', 'Sha256', 'Keccak256', 'ShaThree256'] as const;

/** 0 None, 1 to 129 raw bytes of length 0 to 128, then hashes. */
const data = variant(`${path}::Data`, {
  None: { index: 0 },
  ...Object.fromEntries(
    Array.from({ length: RAW_CASES }, (_, length) => [
      `Raw${length}`,
      { index: length + 1, fields: [fixedBytes(length)] as const },
    ]),
  ),
  ...Object.fromEntries(
    HASHES.map((name, position) => [name, { index: 130 + position, fields: [fixedBytes(32)] as const }]),
  ),
});
const info = struct(`${path}::CommitmentInfo`, { fields: boundedVec(data, 3) });
const registration = struct(`${path}::Registration`, { deposit: u64, block: u32, info });

const errors = declareErrors({ TooManyFieldsInCommitmentInfo: 0, AccountNotAllowedCommit: 1 });
const storage = { CommitmentOf: storageMap([identity(u16), twox64(accountId)], registration) };

export const commitments = definePallet({
  name: 'Commitments',
  index: 18,
  crate: 'pallet_commitments',
  storage,
  errors,
  calls: {
    set_commitment: call({
      index: 0,
      args: { netuid: u16, info },
      pays: false,
      dispatch: (ctx, args, origin) => {
        const hotkey = ensureSigned(origin);
        if (uidOf(ctx, args.netuid, hotkey) === undefined) {
          throw new ModuleError(errors.AccountNotAllowedCommit);
        }
        const stored = { deposit: 0n, block: ctx.block, info: args.info };
        ctx.put(storage.CommitmentOf, args.netuid, hotkey, stored);
      },
    }),
  },
});
