/**
 * `GET /api/stream?topics=view,inspection,logs`: server-sent events, one stream per page. Each message has an id that
 * grows by one; a reader that comes back with `Last-Event-ID` within the buffer gets what it missed, any other gets
 * `hello` again.
 */
export type StreamTopic = 'view' | 'inspection' | 'logs';

/** `event: view.hello`: all slices; rows under the name of their slice. */
export type ViewHello = {
  readonly slices: Readonly<Record<string, unknown>>;
  readonly rows: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
};

/** `event: view.patch`, at most four a second: slices whole, rows one by one; a row that is null is gone. */
export type ViewPatch = {
  readonly slices: Readonly<Record<string, unknown>>;
  readonly rows: Readonly<Record<string, Readonly<Record<string, unknown | null>>>>;
};

/**
 * Further events: `inspection.hello` (`InspectionHello`), `inspection.entries` (`InspectionEntry[]`), `logs.hello` and
 * `logs.lines` (`LogLine[]`), and `beat` (`{ at }`) every 5 s, without which a page calls itself stale.
 */
export const beatMs = 5_000;
