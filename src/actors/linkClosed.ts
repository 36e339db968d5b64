import * as Cause from 'effect/Cause';
import * as Exit from 'effect/Exit';

import type { ChainFailure, LinkFailure } from '../domain/failures.ts';
import { type LinkError, toLinkFailure } from '../transport/errors.ts';

const isLinkFailure = (error: LinkError | LinkFailure | ChainFailure): error is LinkFailure =>
  !(error instanceof Error) && !('retry' in error);

/** The reason a link actor ended, as its machine may know it. */
export const linkClosed = <A>(exit: Exit.Exit<A, LinkError | LinkFailure | ChainFailure>): LinkFailure => {
  if (Exit.isSuccess(exit)) return { _tag: 'ClosedHere', message: 'the link was closed' };
  if (Cause.hasInterruptsOnly(exit.cause)) return { _tag: 'ClosedHere', message: 'closed by this side' };
  const error = Cause.findErrorOption(exit.cause);
  if (error._tag === 'None') {
    return { _tag: 'Lost', message: `the link broke off: ${String(Cause.squash(exit.cause))}` };
  }
  if (isLinkFailure(error.value)) return error.value;
  return error.value instanceof Error
    ? toLinkFailure(error.value)
    : { _tag: 'Unreachable', message: error.value.message };
};
