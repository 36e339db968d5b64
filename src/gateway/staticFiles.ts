/** The built page, held in memory: no request leads to a path of the file system. */
import { createHash } from 'node:crypto';
import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

export type StaticFile = {
  readonly body: Buffer;
  readonly contentType: string;
  readonly etag: string;
  readonly cacheControl: string;
  /** null where it would not be smaller; made when first asked for. */
  readonly gzipped: () => Buffer | null;
};

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.txt': 'text/plain; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
};

/** More than any build of the page; beyond it something else lies in the folder. */
const maxFiles = 500;
const maxFolders = 50;
const maxTotalBytes = 32 * 1024 * 1024;
const worthGzippingBytes = 1_024;

/** A name that ends with a hash of its content, as the bundler writes it: `index-BkW3f0aQ.js`. */
const isHashed = (path: string): boolean => /[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+$/.test(path);

/** One file; `path` decides its type and how long it may be kept. */
export const staticFile = (path: string, body: Buffer): StaticFile => {
  const contentType = contentTypes[extname(path)] ?? 'application/octet-stream';
  const isText = /^(text|application|image\/svg)/.test(contentType) && extname(path) in contentTypes;
  let gzipped: Buffer | null | undefined;
  return {
    body,
    contentType,
    etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
    cacheControl:
      path.startsWith('assets/') && isHashed(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
    gzipped: () => {
      if (gzipped === undefined) {
        const smaller = isText && body.length > worthGzippingBytes ? gzipSync(body) : null;
        gzipped = smaller !== null && smaller.length < body.length ? smaller : null;
      }
      return gzipped;
    },
  };
};

const entriesOf = (dir: string): readonly Dirent[] => {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch {
    return [];
  }
};

/** Names below a folder; links to folders are not followed, and folders that cannot be read are left out. */
const namesBelow = (dir: string): readonly string[] => {
  const names: string[] = [];
  const folders = [''];
  // Grows while it is gone through.
  for (const folder of folders) {
    for (const entry of entriesOf(join(dir, folder))) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (!entry.isDirectory()) names.push(name);
      else if (folders.length < maxFolders) folders.push(name);
      if (names.length >= maxFiles) return names;
    }
  }
  return names;
};

/** null for what is no file, is larger than this, or cannot be read, as a link to nowhere. */
const readPlainFile = (path: string, maxBytes: number): Buffer | null => {
  try {
    const stat = statSync(path);
    return stat.isFile() && stat.size <= maxBytes ? readFileSync(path) : null;
  } catch {
    return null;
  }
};

/**
 * All files below a folder by their path within it, `assets/index-….js`; none where the folder is missing. What cannot
 * be read is left out.
 */
export const readStaticFiles = (dir: string): ReadonlyMap<string, StaticFile> => {
  const files = new Map<string, StaticFile>();
  let leftBytes = maxTotalBytes;
  for (const name of namesBelow(dir)) {
    const body = readPlainFile(join(dir, name), leftBytes);
    if (body === null) continue;
    leftBytes -= body.length;
    files.set(name, staticFile(name, body));
  }
  return files;
};
