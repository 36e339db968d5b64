/**
 * A result whose expected failures are values.
 *
 * Plain objects, because an outcome crosses from an edge into a machine and may be persisted there.
 */
export type Outcome<A, E> = Succeeded<A> | Failed<E>;
export type Succeeded<A> = { readonly ok: true; readonly value: A };
export type Failed<E> = { readonly ok: false; readonly error: E };

export const succeed = <A>(value: A): Succeeded<A> => ({ ok: true, value });
export const fail = <E>(error: E): Failed<E> => ({ ok: false, error });
