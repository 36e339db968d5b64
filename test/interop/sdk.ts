/** The official SDK in a process of its own; see sdk.py for what it can be asked. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const DRIVER = fileURLToPath(new URL('sdk.py', import.meta.url));
const MAX_KEPT_STDERR = 20_000;

type Reply = { readonly id: number; readonly result?: unknown; readonly error?: string };
type Waiting = { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void };

/** A wallet of development accounts, as `sdk.py` makes it. */
export type SdkWallet = {
  readonly name: string;
  readonly path: string;
  readonly coldkey: string;
  readonly hotkey: string;
};
export type Sdk = {
  /** Rejects with what Python raised. */
  ask<T>(op: string, args?: { readonly [name: string]: unknown }): Promise<T>;
  /** `//Alice` and the like. */
  wallet(coldkey: string, hotkey: string): SdkWallet;
  /** A folder for this process's wallets; removed when it stops. */
  readonly folder: string;
  stop(): Promise<void>;
};

/** The interpreter that `npm run test:interop` prepared. */
const pythonPath = (): string => {
  const path = process.env['INTEROP_PYTHON'];
  if (path === undefined)
    throw new Error('INTEROP_PYTHON is not set: run these tests by npm run test:interop');
  return path;
};

const ended = (child: ChildProcessWithoutNullStreams): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });

/** Starts the SDK, connected to `url`; without one it can do what needs no chain. */
export const startSdk = (url?: string): Sdk => {
  const folder = mkdtempSync(join(tmpdir(), 'miaoai-interop-'));
  const child = spawn(pythonPath(), ['-u', DRIVER, ...(url === undefined ? [] : [url])], {
    // The SDK keeps settings and logs under the home folder; nobody's own must be touched or matter.
    env: { PATH: process.env['PATH'], HOME: folder, BT_LOGGING_WARNING: '0' },
  });
  const waiting = new Map<number, Waiting>();
  let stderr = '';
  let count = 0;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-MAX_KEPT_STDERR);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id, result, error } = JSON.parse(line) as Reply;
    const entry = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) entry?.resolve(result);
    else entry?.reject(new Error(`${error}\n${stderr}`));
  });
  let end: Error | undefined;
  child.once('close', (code, signal) => {
    end = new Error(`the SDK ended (${signal ?? `code ${code}`}):\n${stderr}`);
    for (const { reject } of waiting.values()) reject(end);
    waiting.clear();
  });
  child.stdin.on('error', () => undefined); // told by the exit
  return {
    folder,
    ask: <T>(op: string, args = {}) =>
      new Promise<T>((resolve, reject) => {
        if (end !== undefined) {
          reject(end);
          return;
        }
        count += 1;
        waiting.set(count, { resolve: (value) => resolve(value as T), reject });
        child.stdin.write(`${JSON.stringify({ id: count, op, args })}\n`);
      }),
    wallet: (coldkey, hotkey) => ({ name: hotkey.replaceAll('/', ''), path: folder, coldkey, hotkey }),
    stop: async () => {
      child.stdin.end();
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
