/** What the standard variables of OpenTelemetry say of traces. */
export type TraceSettings = {
  /** Where traces are posted to, complete. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of one export. */
  readonly timeoutMs: number;
  /** Attributes of the resource, `service.name` among them. */
  readonly resource: Readonly<Record<string, string>>;
  /** Share of requests that are traced, 0 to 1. */
  readonly ratio: number;
  readonly exportEveryMs: number;
  /** Spans that may wait for an export; what is beyond is dropped. */
  readonly maxQueued: number;
  /** Spans of one export. */
  readonly maxBatch: number;
};

export type TraceSettingsResult = {
  /** null: traces are off. */
  readonly settings: TraceSettings | null;
  /** Variables whose value cannot be read, with why; their defaults hold. */
  readonly ignored: readonly string[];
};

type Environment = Readonly<Record<string, string | undefined>>;

/** A request is asked of each miner of a cohort, many times a minute: a hundredth of them is enough to look at. */
const defaultRatio = 0.01;
const maxWaitMs = 600_000;
const queueLimit = 65_536;

/** The first of several variables that is set, with its name. An empty one counts as not set (OpenTelemetry says so). */
const firstSet = (env: Environment, names: readonly string[]): readonly [string, string] | null => {
  for (const name of names) {
    const value = env[name]?.trim();
    if (value !== undefined && value !== '') return [name, value];
  }
  return null;
};

const createReader = (env: Environment) => {
  const ignored: string[] = [];
  const ignore = (name: string, why: string): null => {
    ignored.push(`${name}: ${why}`);
    return null;
  };
  const number = (names: readonly string[], range: readonly [number, number]): number | null => {
    const found = firstSet(env, names);
    if (found === null) return null;
    const value = Number(found[1]);
    const isInside = value >= range[0] && value <= range[1];
    return isInside ? value : ignore(found[0], `give a number from ${range[0]} to ${range[1]}`);
  };
  /** `name=value,…` with percent-encoded values. The value itself may be a secret and is never shown. */
  const pairs = (names: readonly string[]): Readonly<Record<string, string>> => {
    const found = firstSet(env, names);
    if (found === null) return {};
    try {
      const parts = found[1].split(',').filter((part) => part.trim() !== '');
      return Object.fromEntries(
        parts.map((part) => {
          const at = part.indexOf('=');
          if (at < 1) throw new Error('no name');
          return [part.slice(0, at).trim(), decodeURIComponent(part.slice(at + 1).trim())];
        }),
      );
    } catch {
      return ignore(found[0], 'give name=value, separated by commas and percent-encoded') ?? {};
    }
  };
  return { ignored, ignore, number, pairs };
};

type Reader = ReturnType<typeof createReader>;

/** `fetch` refuses a URL with user or password, and what is posted to is told in the log. */
const urlOf = (env: Environment, { ignore }: Reader): string | null => {
  const own = firstSet(env, ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);
  const found = own ?? firstSet(env, ['OTEL_EXPORTER_OTLP_ENDPOINT']);
  if (found === null) return null;
  const text = own === null ? `${found[1].replace(/\/+$/, '')}/v1/traces` : found[1];
  if (!URL.canParse(text)) return ignore(found[0], 'give a URL, as http://127.0.0.1:4318');
  const { protocol, username, password } = new URL(text);
  if (username !== '' || password !== '')
    return ignore(found[0], 'user and password go into OTEL_EXPORTER_OTLP_HEADERS=authorization=Basic%20…');
  return protocol === 'http:' || protocol === 'https:'
    ? text
    : ignore(found[0], 'only http and https are spoken');
};

const isOff = (env: Environment): boolean =>
  env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER']?.trim() === 'none';

/** HTTP headers that `fetch` would refuse at every export. */
const usable = (headers: Readonly<Record<string, string>>, { ignore }: Reader) => {
  try {
    return Object.fromEntries(new Headers(headers).entries());
  } catch {
    return ignore('OTEL_EXPORTER_OTLP_HEADERS', 'a name or value is no HTTP header') ?? {};
  }
};

/** Reads the variables (OpenTelemetry specification, "Environment Variable Specification" and "OTLP Exporter"). */
export const traceSettingsOf = (
  env: Environment,
  about: { readonly role: string; readonly version: string },
): TraceSettingsResult => {
  const reader = createReader(env);
  if (isOff(env)) return { settings: null, ignored: [] };
  const url = urlOf(env, reader);
  if (url === null) return { settings: null, ignored: reader.ignored };
  const otlp = (name: string) => [`OTEL_EXPORTER_OTLP_TRACES_${name}`, `OTEL_EXPORTER_OTLP_${name}`];
  const named = firstSet(env, ['OTEL_SERVICE_NAME']);
  const settings: TraceSettings = {
    url,
    headers: usable(reader.pairs(otlp('HEADERS')), reader),
    timeoutMs: reader.number(otlp('TIMEOUT'), [1, maxWaitMs]) ?? 10_000,
    resource: {
      'service.name': `miaoai-${about.role}`,
      'service.version': about.version,
      ...reader.pairs(['OTEL_RESOURCE_ATTRIBUTES']),
      ...(named === null ? {} : { 'service.name': named[1] }),
    },
    ratio: reader.number(['OTEL_TRACES_SAMPLER_ARG'], [0, 1]) ?? defaultRatio,
    exportEveryMs: reader.number(['OTEL_BSP_SCHEDULE_DELAY'], [10, maxWaitMs]) ?? 5_000,
    maxQueued: Math.floor(reader.number(['OTEL_BSP_MAX_QUEUE_SIZE'], [1, queueLimit]) ?? 2_048),
    maxBatch: Math.floor(reader.number(['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'], [1, queueLimit]) ?? 512),
  };
  return { settings, ignored: reader.ignored };
};
