/** Switches with which tests make a node fail as real ones do: slow answers, errors, refused transactions. */
import type { RpcError } from './rpc/protocol.ts';
import type { InvalidReason, Transaction } from './validity.ts';

type Limited = {
  /** How many times the fault strikes; without end when not given. */
  readonly count?: number;
};
/** A method's name, `*` for any number of characters: `state_*`, `author_submitExtrinsic`. */
type ByMethod = { readonly method: string };

export type CallDelay = Limited & ByMethod & { readonly delayMs: number };
export type CallError = Limited & ByMethod & { readonly error: RpcError };
export type ExtrinsicRefusal =
  /** Code 1010 with the signed extension's number: `Custom error: 6`. */
  | { readonly kind: 'custom'; readonly code: number }
  /** Code 1010 with one of the general reasons. */
  | { readonly kind: 'invalid'; readonly reason: InvalidReason }
  /** Codes 1012, 1013, 1014 and 1016. */
  | { readonly kind: 'temporarilyBanned' | 'alreadyImported' | 'tooLowPriority' | 'poolFull' }
  | { readonly kind: 'error'; readonly error: RpcError };
export type RefusedExtrinsics = Limited & {
  readonly refusal: ExtrinsicRefusal;
  /** Only this call, `SubtensorModule.set_weights`; all when not given. */
  readonly call?: string;
};

/** What strikes a call: the longest of the delays, the oldest of the errors. */
export type CallFault = { readonly delayMs: number; readonly error: RpcError | undefined };

/** Each switch gives a function that turns its fault off. */
export type FaultSwitches = {
  delayCalls(fault: CallDelay): () => void;
  failCalls(fault: CallError): () => void;
  refuseExtrinsics(fault: RefusedExtrinsics): () => void;
  /** Turns these faults off. */
  clear(): void;
};
export type Faults = FaultSwitches & {
  /** Asked once for each call. */
  onCall(method: string): CallFault;
  /** Asked once for each submitted transaction. */
  onExtrinsic(transaction: Transaction): ExtrinsicRefusal | undefined;
};

/** Methods that faults never strike: those that turn them off. */
const EXEMPT = 'devnet_';
const MAX_DELAY_MS = 600_000;
/** Faults of one kind that are on at once. */
const MAX_FAULTS = 1000;

const matcher = (pattern: string): ((method: string) => boolean) => {
  const literal = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const expression = new RegExp(`^${literal.join('.*')}$`);
  return (method) => expression.test(method);
};

type Active<F> = { readonly fault: F; left: number };
/** Faults of one kind in the order in which they were turned on. */
const createList = <F extends Limited>() => {
  let active: readonly Active<F>[] = [];
  return {
    add: (fault: F): (() => void) => {
      const { count = Number.POSITIVE_INFINITY } = fault;
      if (!(count >= 1)) throw new RangeError(`count ${count}: a fault strikes at least once`);
      if (active.length >= MAX_FAULTS)
        throw new RangeError(`${MAX_FAULTS} faults are on already: clear them first`);
      const entry = { fault, left: count };
      active = [...active, entry];
      return () => {
        active = active.filter((other) => other !== entry);
      };
    },
    /** The faults that strike now. */
    strike: (applies: (fault: F) => boolean): readonly F[] => {
      if (active.length === 0) return [];
      const striking = active.filter(({ fault }) => applies(fault));
      for (const entry of striking) entry.left -= 1;
      active = active.filter(({ left }) => left > 0);
      return striking.map(({ fault }) => fault);
    },
    clear: (): void => {
      active = [];
    },
  };
};

export const createFaults = (): Faults => {
  const delays = createList<CallDelay & { matches(method: string): boolean }>();
  const errors = createList<CallError & { matches(method: string): boolean }>();
  const refusals = createList<RefusedExtrinsics>();
  return {
    delayCalls: (fault) => {
      if (!(fault.delayMs >= 0 && fault.delayMs <= MAX_DELAY_MS))
        throw new RangeError(`delayMs ${fault.delayMs}: give 0 to ${MAX_DELAY_MS}`);
      return delays.add({ ...fault, matches: matcher(fault.method) });
    },
    failCalls: (fault) => errors.add({ ...fault, matches: matcher(fault.method) }),
    refuseExtrinsics: (fault) => refusals.add(fault),
    clear: () => {
      delays.clear();
      errors.clear();
      refusals.clear();
    },
    onCall: (method) => {
      if (method.startsWith(EXEMPT)) return { delayMs: 0, error: undefined };
      const slow = delays.strike(({ matches }) => matches(method));
      const [failing] = errors.strike(({ matches }) => matches(method));
      return { delayMs: Math.max(0, ...slow.map(({ delayMs }) => delayMs)), error: failing?.error };
    },
    onExtrinsic: ({ call }) => {
      const [first] = refusals.strike(
        (fault) => fault.call === undefined || fault.call === `${call.pallet}.${call.name}`,
      );
      return first?.refusal;
    },
  };
};
