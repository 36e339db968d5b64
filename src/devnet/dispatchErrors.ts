/** What a failed call is to clients: `sp_runtime::DispatchError`. */
import type { dispatchError } from './chainTypes.ts';
import { DispatchFailure, type ErrorDeclaration, ModuleError } from './pallet.ts';
import type { ValueOf } from './scale.ts';

export type DispatchErrorValue = ValueOf<typeof dispatchError>;

/** Where an error stands in a runtime; undefined for one that the runtime does not have. */
export type ErrorPosition = { readonly pallet: number; readonly index: number };
export type FindError = (error: ErrorDeclaration) => ErrorPosition | undefined;

/** The dispatch error of an exception; undefined for one that is none, which is a fault of a pallet. */
export const dispatchErrorOf = (find: FindError, error: unknown): DispatchErrorValue | undefined => {
  if (error instanceof ModuleError) {
    const position = find(error.declaration);
    if (position === undefined) return { tag: 'Other' };
    const bytes = Uint8Array.of(position.index, 0, 0, 0);
    return { tag: 'Module', value: [{ index: position.pallet, error: bytes }] };
  }
  if (!(error instanceof DispatchFailure)) return undefined;
  const { failure } = error;
  if (failure.tag === 'Token') return { tag: 'Token', value: [{ tag: failure.token }] };
  if (failure.tag === 'Arithmetic') return { tag: 'Arithmetic', value: [{ tag: failure.arithmetic }] };
  return { tag: failure.tag };
};
