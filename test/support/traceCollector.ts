import { createServer, type IncomingMessage } from 'node:http';

/** A span as it arrived, with the service that reported it. */
export type CollectedSpan = {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly fromNanos: bigint;
  readonly toNanos: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly error: string | null;
};

type RawAttribute = { readonly key: string; readonly value: Readonly<Record<string, unknown>> };
type RawSpan = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly RawAttribute[];
  readonly status: { readonly code: number; readonly message?: string };
};
type RawTraces = {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly RawAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly RawSpan[] }[];
  }[];
};

const attributesOf = (attributes: readonly RawAttribute[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

const spansOf = ({ resourceSpans }: RawTraces): readonly CollectedSpan[] =>
  resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        service: String(attributesOf(resource.attributes)['service.name']),
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId,
        name: span.name,
        fromNanos: BigInt(span.startTimeUnixNano),
        toNanos: BigInt(span.endTimeUnixNano),
        attributes: attributesOf(span.attributes),
        error: span.status.code === 2 ? (span.status.message ?? '') : null,
      })),
    ),
  );

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
};

export type TraceCollector = {
  /** To be the value of `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string;
  readonly spans: CollectedSpan[];
  /** Path and headers of each export. */
  readonly requests: { readonly path: string; readonly headers: IncomingMessage['headers'] }[];
  /** What the next exports are answered; 0: nothing, ever. */
  status: number;
  readonly close: () => Promise<void>;
};

/** A collector of traces: an HTTP server on loopback that takes OTLP in JSON. */
export const openTraceCollector = async (): Promise<TraceCollector> => {
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request);
    collector.requests.push({ path: `${request.method} ${request.url}`, headers: request.headers });
    if (collector.status === 0) return;
    if (collector.status === 200) collector.spans.push(...spansOf(JSON.parse(body)));
    response.writeHead(collector.status, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const collector: TraceCollector = {
    url: `http://127.0.0.1:${port}`,
    spans: [],
    requests: [],
    status: 200,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return collector;
};
