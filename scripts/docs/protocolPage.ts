import { readFileSync } from 'node:fs';
import * as Schema from 'effect/Schema';

import {
  Hello,
  LINK_PATH,
  mayBeSentBy,
  messageSchemas,
  PROTOCOL_NAME,
  PROTOCOL_VERSION,
  Proof,
} from '../../src/transport/protocol.ts';
import { code, fenced, generatedFrom, page, table } from './markdown.ts';

const none = '–';
const sourcePath = 'src/transport/protocol.ts';

/** The part of JSON Schema that effect writes for the wire. */
type JsonSchema = {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly allOf?: readonly JsonSchema[];
  readonly [bound: string]: unknown;
};

/** With descriptions every check is named, those without a keyword in JSON Schema among them. */
const jsonSchemaOf = (schema: Schema.Constraint, generateDescriptions: boolean): JsonSchema =>
  Schema.toJsonSchemaDocument(schema, { generateDescriptions }).schema as JsonSchema;

const kindOf = (schema: JsonSchema): string => {
  if (schema.enum !== undefined) return schema.enum.map((value) => code(JSON.stringify(value))).join(', ');
  if (schema.type === 'array')
    return `list of ${schema.items === undefined ? 'anything' : kindOf(schema.items)}`;
  return schema.type ?? 'any JSON';
};

const bounds = [
  ['minimum', '≥', ''],
  ['maximum', '≤', ''],
  ['minLength', '≥', ' characters'],
  ['maxLength', '≤', ' characters'],
  ['minItems', '≥', ' items'],
  ['maxItems', '≤', ' items'],
] as const;

/** What every integer keeps anyway says nothing. */
const isTelling = (bound: unknown): boolean => Math.abs(Number(bound)) !== Number.MAX_SAFE_INTEGER;

const boundsOf = (schema: JsonSchema): string => {
  const named = bounds.flatMap(([key, sign, unit]) =>
    key in schema && isTelling(schema[key]) ? [`${sign} ${String(schema[key])}${unit}`] : [],
  );
  const pattern = /^a string matching the RegExp (.*)$/.exec(schema.description ?? '')?.[1];
  const inner = (schema.allOf ?? []).map(boundsOf).filter((text) => text !== none);
  return (
    [...named, ...(pattern === undefined ? [] : [`matches ${code(pattern)}`]), ...inner].join('; ') || none
  );
};

/** One row for each field, those of nested objects with a dotted path. */
const fieldRows = (schema: JsonSchema, prefix = ''): readonly string[][] =>
  Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const inner = field.items ?? field;
    const nested = fieldRows(inner, field.items === undefined ? `${path}.` : `${path}[].`);
    const itemBounds = field.items === undefined || nested.length > 0 ? none : boundsOf(field.items);
    const own = [boundsOf(field), itemBounds === none ? '' : `each: ${itemBounds}`].filter(
      (part) => part !== '' && part !== none,
    );
    return [[code(path), kindOf(field), own.join('; ') || none], ...nested];
  });

/** The doc comment above an exported schema. */
const commentsOf = (source: string): ReadonlyMap<string, string> =>
  new Map(
    [...source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport const (\w+)/g)].map(([, comment, name]) => [
      name ?? '',
      (comment ?? '').replaceAll(/\n \* ?/g, '\n').trim(),
    ]),
  );

const section = (options: {
  readonly title: string;
  readonly comment: string;
  readonly schema: Schema.Constraint;
  readonly sender: string;
}): readonly string[] => {
  const json = jsonSchemaOf(options.schema, false);
  return [
    `### ${options.title}`,
    options.comment,
    options.sender === '' ? '' : `Sent by: ${options.sender}.`,
    table(['field', 'type', 'bounds'], fieldRows(jsonSchemaOf(options.schema, true))),
    `<details><summary>JSON Schema</summary>\n\n${fenced('json', JSON.stringify(json, null, 2))}\n\n</details>`,
  ];
};

const capitalised = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

/** The page about the wire between validator and miner. */
export const protocolPage = (): ReadonlyMap<string, string> => {
  const comments = commentsOf(readFileSync(new URL(`../../${sourcePath}`, import.meta.url), 'utf8'));
  const messages = Object.entries(messageSchemas).flatMap(([type, schema]) => {
    const senders = Object.entries(mayBeSentBy).flatMap(([role, types]) =>
      types.has(type as keyof typeof messageSchemas) ? [role] : [],
    );
    return section({
      title: type,
      comment: comments.get(capitalised(type)) ?? '',
      schema,
      sender: senders.join(', '),
    });
  });
  const text = page([
    generatedFrom(sourcePath),
    '# Protocol between validator and miner',
    `Version ${PROTOCOL_VERSION} of ${code(PROTOCOL_NAME)}, over WebSocket at ${code(LINK_PATH)}. ` +
      'One message is one JSON text in one sealed frame. Unknown fields are ignored, so that fields may be added ' +
      'within a version; an unknown `type` or `v` ends the link, and so does a message that its sender may not send.',
    '## Handshake',
    ...section({ title: 'Hello', comment: comments.get('Hello') ?? '', schema: Hello, sender: '' }),
    ...section({ title: 'Proof', comment: comments.get('Proof') ?? '', schema: Proof, sender: '' }),
    '## Messages',
    ...messages,
  ]);
  return new Map([['docs/protocol.md', text]]);
};
