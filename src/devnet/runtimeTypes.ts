/** The outer types of the runtime, made of all pallets: calls, events and errors. */
import type { CallDeclaration, Pallet } from './pallet.ts';
import {
  type AnyType,
  type Case,
  type Cases,
  decodePrefix,
  fieldsCodec,
  type NamedFields,
  snakeCase,
  variant,
} from './scale.ts';

const RUNTIME_CRATE = 'node_subtensor_runtime';

/** `SubtensorModule` → `pallet_subtensor`, unless the pallet says otherwise. */
const crateOf = ({ crate, name }: Pallet): string => crate ?? `pallet${snakeCase(name)}`;
const typeParams = [{ name: 'T', type: undefined }] as const;

export const callType = (pallet: Pallet): AnyType | undefined => {
  if (pallet.calls === undefined) return undefined;
  const cases = Object.entries(pallet.calls).map(([name, { index, args }]): [string, Case] => [
    name,
    { index, fields: args },
  ]);
  return variant(`${crateOf(pallet)}::pallet::Call`, Object.fromEntries(cases), typeParams);
};
export const eventType = (pallet: Pallet): AnyType | undefined =>
  pallet.events === undefined
    ? undefined
    : variant(`${crateOf(pallet)}::pallet::Event`, pallet.events, typeParams);
/** `NotSubnetOwner` → `Not subnet owner`. */
const sentence = (name: string): string => {
  const words = snakeCase(name).replaceAll('_', ' ').trim();
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
};
/** The official SDK names an error to its user only where the metadata says what it means. */
export const errorType = (pallet: Pallet): AnyType | undefined => {
  if (pallet.errors === undefined) return undefined;
  const cases = Object.values(pallet.errors).map(({ name, index }): [string, Case] => [
    name,
    { index, docs: [sentence(name)] },
  ]);
  return variant(`${crateOf(pallet)}::pallet::Error`, Object.fromEntries(cases), typeParams);
};

/** By pallet index, whoever asks: clients find the outer event of `System.Events` by its number in the metadata. */
const outer = (
  name: string,
  pallets: readonly Pallet[],
  inner: (pallet: Pallet) => AnyType | undefined,
): AnyType => {
  const cases: Record<string, Case> = {};
  for (const pallet of pallets.toSorted((a, b) => a.index - b.index)) {
    const type = inner(pallet);
    if (type !== undefined) cases[pallet.name] = { index: pallet.index, fields: [type] };
  }
  return variant(`${RUNTIME_CRATE}::${name}`, cases satisfies Cases);
};
export const runtimeCall = (pallets: readonly Pallet[]): AnyType => outer('RuntimeCall', pallets, callType);
export const runtimeEvent = (pallets: readonly Pallet[]): AnyType =>
  outer('RuntimeEvent', pallets, eventType);
export const runtimeError = (pallets: readonly Pallet[]): AnyType =>
  outer('RuntimeError', pallets, errorType);

/** A call as it stands in an extrinsic. */
export type DecodedCall = {
  readonly pallet: string;
  readonly name: string;
  readonly declaration: CallDeclaration<NamedFields>;
  readonly args: { readonly [name: string]: unknown };
};
export type CallDecoder = { dec(input: Uint8Array): DecodedCall };

/** Decodes pallet index, call index and arguments; throws RangeError for calls that do not exist. */
export const createCallDecoder = (pallets: readonly Pallet[]): CallDecoder => {
  const calls = new Map<number, Omit<DecodedCall, 'args'>>();
  for (const pallet of pallets)
    for (const [name, declaration] of Object.entries(pallet.calls ?? {}))
      calls.set(pallet.index * 256 + declaration.index, { pallet: pallet.name, name, declaration });
  return {
    dec: (input) => {
      const [palletIndex = 0, callIndex = 0] = input;
      const found = calls.get(palletIndex * 256 + callIndex);
      if (found === undefined || input.length < 2)
        throw new RangeError(`no call has pallet index ${palletIndex} and call index ${callIndex}`);
      const body = input.slice(2);
      const [args, read] = decodePrefix(fieldsCodec(found.declaration.args), body);
      if (read !== body.length) throw new RangeError(`${body.length - read} bytes left over after the call`);
      return { ...found, args };
    },
  };
};
