import { appendFileSync, writeSync } from 'node:fs';
import * as Effect from 'effect/Effect';

import type { Leases } from './lease.ts';
import type { Json, Store, StoreImport } from './store.ts';

/**
 * A process that dies before or after any of its durable writes must come back to the same state. Each write has a
 * point at both sides, named `<operation>/<what>/before` and `…/after`; the second one is reached once the store has
 * acknowledged the write, before anybody hears of it. For the test build only, see `src/testBuild.ts`.
 */
export type FailPlan = {
  /** Where to die: at this point, when it is reached for the n-th time. */
  readonly dieAt: { readonly point: string; readonly occurrence: number } | null;
  /** File to which the name of each point is appended as it is reached. */
  readonly logFile: string | null;
};

/** Told of each point as it is reached; does not return from the one to die at. */
export type FailPoints = { readonly reach: (point: string) => void };

const planForm = /^(?<point>[^@]+)@(?<occurrence>[1-9]\d*)$/;

/**
 * `MIAOAI_FAIL_POINT=<point>@<n>` and `MIAOAI_FAIL_POINTS_LOG=<file>`. Throws on a plan that cannot be read: a test that
 * believes it kills something must not pass because it did not.
 */
export const failPlanOf = (env: Readonly<Record<string, string | undefined>>): FailPlan => {
  const { MIAOAI_FAIL_POINT: planned, MIAOAI_FAIL_POINTS_LOG: logFile = null } = env;
  if (planned === undefined) return { dieAt: null, logFile };
  const { point, occurrence } = planForm.exec(planned)?.groups ?? {};
  if (point === undefined)
    throw new Error(`MIAOAI_FAIL_POINT is ${planned}: write <point>@<n>, e.g. append/round.planned/before@1`);
  return { dieAt: { point, occurrence: Number(occurrence) }, logFile };
};

/** No clean-up, no flush, no exit handler: as a power cut would do it. */
const killSelf = (point: string): void => {
  // The pipe of standard error may be full; dying is what matters.
  try {
    writeSync(2, `fail point ${point}: killed\n`);
  } finally {
    process.kill(process.pid, 'SIGKILL');
  }
};

/** Counts the points of this process. `die` is told where the plan ends; the default never comes back. */
export const openFailPoints = (plan: FailPlan, die: (point: string) => void = killSelf): FailPoints => {
  let times = 0;
  return {
    reach: (point) => {
      if (plan.logFile !== null) appendFileSync(plan.logFile, `${point}\n`);
      if (point !== plan.dieAt?.point) return;
      times += 1;
      if (times === plan.dieAt.occurrence) die(point);
    },
  };
};

let ofThisProcess: FailPoints | null = null;

/** The points of this process as its environment plans them; what does not go through a store reaches the same ones. */
export const processFailPoints = (): FailPoints => {
  ofThisProcess ??= openFailPoints(failPlanOf(process.env));
  return ofThisProcess;
};

/** For durable writes beside a store, such as files: `if (isTestBuild) failPoint('archive/epoch/before')`. */
export const failPoint = (point: string): void => processFailPoints().reach(point);

/** What stands in a record: evidence names its type. */
const typeOf = (log: string, value: Json | undefined): string => {
  const { type }: { readonly type?: unknown } = Object(value);
  return typeof type === 'string' ? type : log;
};

type Durable = Store & Partial<Leases> & Partial<StoreImport>;

/** The same store with a point before and after each of its durable writes. Reading has none. */
export const withFailPoints = <S extends Durable>(store: S, points: FailPoints): S => {
  const around = <A, E>(operation: string, what: string, write: Effect.Effect<A, E>): Effect.Effect<A, E> => {
    const reach = (side: 'before' | 'after') =>
      Effect.sync(() => points.reach(`${operation}/${what}/${side}`));
    return Effect.andThen(
      reach('before'),
      Effect.tap(write, () => reach('after')),
    );
  };
  const data = {
    append: (log, records) => around('append', typeOf(log, records[0]?.value), store.append(log, records)),
    saveSnapshot: (snapshot) => around('saveSnapshot', snapshot.name, store.saveSnapshot(snapshot)),
    useIds: (set, ids) => around('useIds', set, store.useIds(set, ids)),
    addTo: (counter, by) => around('addTo', counter, store.addTo(counter, by)),
    dropRecords: (log, upTo) => around('dropRecords', log, store.dropRecords(log, upTo)),
  } satisfies Partial<Store>;
  const { takeLease, renewLease, releaseLease, importRecords, importSnapshot } = store;
  const leases: Partial<Leases> = {
    ...(takeLease && { takeLease: (taking) => around('takeLease', taking.name, takeLease(taking)) }),
    ...(renewLease && { renewLease: (lease) => around('renewLease', lease.name, renewLease(lease)) }),
    ...(releaseLease && { releaseLease: (lease) => around('releaseLease', lease.name, releaseLease(lease)) }),
  };
  const imports: Partial<StoreImport> = {
    ...(importRecords && {
      importRecords: (log, records) => around('importRecords', log, importRecords(log, records)),
    }),
    ...(importSnapshot && {
      importSnapshot: (snapshot) => around('importSnapshot', snapshot.name, importSnapshot(snapshot)),
    }),
  };
  return { ...store, ...data, ...leases, ...imports };
};
