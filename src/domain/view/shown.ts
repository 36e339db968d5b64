/**
 * What of the machines may leave the process. Everything else stays inside: a list of what is allowed forgets nothing
 * that is added later, a list of what is forbidden does.
 */
export type Shown = {
  /** By id of the machine: paths into its context, `due.epoch` for a field of a field. */
  readonly context: Readonly<Record<string, readonly string[]>>;
  /** By type of the event: paths into the event. Types that are not listed are shown by their name alone. */
  readonly events: Readonly<Record<string, readonly string[]>>;
};
