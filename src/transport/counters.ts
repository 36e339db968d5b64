import { type TurnedAway, turnedAwayReasons } from './admission.ts';
import { type EndCause, endCauses } from './linkEnd.ts';
import { type RefusalReason, refusalReasons } from './refusals.ts';

/** What a listener counts. All names exist from the start, so that a rate can be computed from the first scrape. */
export type CounterName =
  /** TCP connections let in; WebSockets opened; links with both sides proven. */
  | 'connections'
  | 'arrivals'
  | 'established'
  /** Requests that are no upgrade to this protocol, malformed or too slow HTTP. */
  | 'notALink'
  /** Unproven connections that made room for one of another address. */
  | 'evicted'
  | `turnedAway.${TurnedAway}`
  | `refused.${RefusalReason}`
  | `ended.${EndCause}`;

export interface Counters {
  count(name: CounterName): void;
  read(): Readonly<Record<CounterName, number>>;
}

export const createCounters = (): Counters => {
  const names: readonly CounterName[] = [
    ...(['connections', 'arrivals', 'established', 'notALink', 'evicted'] as const),
    ...turnedAwayReasons.map((reason) => `turnedAway.${reason}` as const),
    ...refusalReasons.map((reason) => `refused.${reason}` as const),
    ...endCauses.map((cause) => `ended.${cause}` as const),
  ];
  const values = Object.fromEntries(names.map((name) => [name, 0])) as Record<CounterName, number>;
  return {
    count: (name) => {
      values[name] += 1;
    },
    read: () => ({ ...values }),
  };
};
