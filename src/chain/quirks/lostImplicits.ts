import type { SiLookupTypeId } from '@polkadot/types/interfaces/scaleInfo';
import type { Metadata } from '@polkadot/types/metadata';

/** Types of the bytes an extension adds to the extrinsic (`extra`) and to the signing payload only (`implicit`). */
export type ExtensionTypes = {
  readonly name: string;
  readonly extra: SiLookupTypeId;
  readonly implicit: SiLookupTypeId;
};

/** The first metadata version that says "transaction" instead of "signed" extension. */
const TRANSACTION_EXTENSIONS = 16;

/**
 * @polkadot/types 16.5.6 loses the implicit types when it raises metadata 15 to its newest form (`implict` in
 * metadata/v15/toV16.js): every one of them reads as type 0. So older metadata is read in its own form.
 */
export const extensionTypes = (metadata: Metadata): readonly ExtensionTypes[] =>
  metadata.version >= TRANSACTION_EXTENSIONS
    ? metadata.asLatest.extrinsic.transactionExtensions.map(({ identifier, type, implicit }) => ({
        name: identifier.toString(),
        extra: type,
        implicit,
      }))
    : metadata.asV15.extrinsic.signedExtensions.map(({ identifier, type, additionalSigned }) => ({
        name: identifier.toString(),
        extra: type,
        implicit: additionalSigned,
      }));
