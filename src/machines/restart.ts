/** At most `restarts` in any window of `withinMs`: the intensity rule of OTP supervisors. */
export type RestartLimit = { readonly restarts: number; readonly withinMs: number };

/** A worker that dies five times a minute does not die of bad luck; of a pool of several, each may as often. */
export const workerRestartLimit: RestartLimit = { restarts: 5, withinMs: 60_000 };
export const poolRestartLimit = (slots: number): RestartLimit => ({
  ...workerRestartLimit,
  restarts: workerRestartLimit.restarts * Math.max(1, slots),
});

/** A session whose actor has a defect ends alone; as many as these a minute say that the program is broken. */
export const sessionDefectLimit: RestartLimit = { restarts: 10, withinMs: 60_000 };

/** Times of the restarts that still count, oldest first. */
export type RestartHistory = readonly number[];

const counted = (history: RestartHistory, at: number, limit: RestartLimit): RestartHistory =>
  history.filter((time) => at - time < limit.withinMs);

/** Whether one more restart at `at` (ms) stays within the limit. */
export const mayRestart = (history: RestartHistory, at: number, limit: RestartLimit): boolean =>
  counted(history, at, limit).length < limit.restarts;

/** The history after a restart at `at`, bounded by the limit. */
export const recordRestart = (history: RestartHistory, at: number, limit: RestartLimit): RestartHistory => [
  ...counted(history, at, limit),
  at,
];
