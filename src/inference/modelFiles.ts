/** Files of a model folder, read with a bound and with errors that name the remedy. */
import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import * as Effect from 'effect/Effect';

import { ModelFolderError } from './errors.ts';

export type JsonObject = { readonly [key: string]: unknown };

/** What produces every file a folder needs. */
export const EXPORT_ADVICE =
  'export the model with "optimum-cli export onnx --task text-classification --model <name> <folder>"';

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Size of a regular file in bytes; null when there is none, whatever the reason. */
export const fileSize = (path: string): number | null => {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() ? found.size : null;
};

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/**
 * Reads `dir/file` as a JSON object of at most `limitBytes`.
 *
 * Fails with `ModelFolderError` when the file is absent, too large, not JSON or not an object.
 */
export const readJsonObject = Effect.fn('inference.readJsonObject')(function* (options: {
  readonly dir: string;
  readonly file: string;
  readonly limitBytes: number;
}) {
  const { dir, file, limitBytes } = options;
  const path = join(dir, file);
  const refuse = (message: string) => new ModelFolderError({ dir, file, message });
  const size = yield* Effect.try({
    try: () => fileSize(path),
    catch: (cause) => refuse(`cannot read ${path}: ${messageOf(cause)}`),
  });
  if (size === null) return yield* refuse(`no ${file} in ${dir}: ${EXPORT_ADVICE}`);
  if (size > limitBytes) {
    return yield* refuse(
      `${path} has ${size} bytes, more than the ${limitBytes} allowed: is it the right file?`,
    );
  }
  const text = yield* Effect.tryPromise({
    try: () => readFile(path, 'utf8'),
    catch: (cause) => refuse(`cannot read ${path}: ${messageOf(cause)}`),
  });
  const value = yield* Effect.try({
    try: (): unknown => JSON.parse(text),
    catch: (cause) => refuse(`${path} is not JSON (${messageOf(cause)}): ${EXPORT_ADVICE}`),
  });
  if (!isJsonObject(value)) return yield* refuse(`${path} does not hold a JSON object: ${EXPORT_ADVICE}`);
  return value;
});

/** Sha-256, hexadecimal, over the given files one after another. Streams: a model may have hundreds of megabytes. */
export const hashFiles = async (paths: readonly string[]): Promise<string> => {
  const hash = createHash('sha256');
  for (const path of paths) {
    for await (const chunk of createReadStream(path, { highWaterMark: 1_048_576 })) hash.update(chunk);
  }
  return hash.digest('hex');
};
