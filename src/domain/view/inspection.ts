/** What the machines' screen is told: a bounded, redacted record of the actor system. */

/** One actor, as far as it lives or has lived lately. */
export type ActorView = {
  /** XState's session id (`x:12`); the key everywhere here. */
  readonly sessionId: string;
  readonly id: string;
  readonly systemId: string | null;
  readonly parent: string | null;
  /** Id of the chart; null for an actor that is no machine. */
  readonly chart: string | null;
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  /** Ids of the active states in the chart, outermost first. */
  readonly states: readonly string[];
  /** Ids of the chart's transitions that were taken last. */
  readonly lastTransitions: readonly string[];
  /** Only the keys that its machine allows to be shown. */
  readonly context: Readonly<Record<string, unknown>>;
  /** Events received. */
  readonly events: number;
};

type EntryFields = { readonly seq: number; readonly at: number };

export type InspectionEntry =
  | (EntryFields & { readonly kind: 'born'; readonly actor: ActorView })
  | (EntryFields & {
      readonly kind: 'event';
      /** null for one from outside the system. */
      readonly from: string | null;
      readonly to: string;
      readonly event: string;
      /** Allow-listed fields of the event. */
      readonly detail: Readonly<Record<string, unknown>>;
    })
  | (EntryFields & {
      readonly kind: 'moved';
      readonly actor: string;
      readonly by: string;
      readonly transitions: readonly string[];
      readonly states: readonly string[];
      /** Only where a shown key has changed since the last entry of this actor. */
      readonly context: Readonly<Record<string, unknown>> | null;
    })
  | (EntryFields & {
      readonly kind: 'ended';
      readonly actor: string;
      readonly status: 'done' | 'error' | 'stopped';
    })
  /** An event that no state of the actor knows. */
  | (EntryFields & { readonly kind: 'unknown'; readonly actor: string; readonly event: string });

/** What a viewer gets first, however late it comes. */
export type InspectionHello = {
  /** All actors as they are now. */
  readonly actors: readonly ActorView[];
  /** The last entries, oldest first; their effects are in `actors` already. */
  readonly entries: readonly InspectionEntry[];
  /** Entries that were dropped because a viewer was too slow or the buffer full, since the start. */
  readonly dropped: number;
};

/** The same as a file: what the page exports. */
export type InspectionSession = InspectionHello & {
  readonly format: 'miaoai.inspection';
  readonly version: 1;
  readonly role: string;
  readonly exportedAt: number;
};
