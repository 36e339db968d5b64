import type { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

import { openContents } from './contents.ts';
import { openDatabase, toThreadFailure } from './database.ts';
import { toCommitFailure } from './diskTrouble.ts';
import { openLeaseRows } from './leaseRows.ts';
import { openMaintenance } from './maintenance.ts';
import { openReads } from './reads.ts';
import { shrink } from './shrink.ts';
import type { ExchangeKind, Exchanges, Question, Reply, ThreadInput } from './storeThread.ts';
import { openWrites } from './writes.ts';

type Handlers = {
  readonly [Kind in ExchangeKind]?: (ask: Exchanges[Kind]['ask']) => Exchanges[Kind]['answer'];
};

/**
 * Entry of the worker thread: `node:sqlite` is synchronous and a durable commit waits 0.3 to 4 ms for the disk, which
 * no event loop with sockets may do. Questions are answered one by one, in order.
 */
const handlersOf = (db: DatabaseSync, { file, readOnly }: ThreadInput): Handlers => {
  const reads = openReads(db);
  const contents = openContents(db, file);
  const leases = openLeaseRows(db);
  const writes = readOnly ? null : openWrites(db);
  const writable = () => {
    if (writes === null) throw new Error('opened read-only');
    return writes;
  };
  return {
    ...reads,
    ...contents,
    readLease: leases.read,
    takeLease: leases.take,
    renewLease: leases.renew,
    releaseLease: leases.release,
    raiseTokens: leases.raise,
    quarantine: (ask) => writable().quarantine(ask),
    commit: (ask) => {
      try {
        const answer = writable().commit(ask);
        if (ask.writes.some(({ kind }) => kind === 'dropRecords')) shrink(db);
        return answer;
      } catch (cause) {
        return { ok: false, failure: toCommitFailure(cause, file) };
      }
    },
    close: () => {
      db.close();
      return null;
    },
  };
};

const maintenanceOf = (db: DatabaseSync, { file }: ThreadInput): Handlers => ({
  ...openMaintenance(db, file),
  close: () => {
    db.close();
    return null;
  },
});

const serve = (db: DatabaseSync, input: ThreadInput, send: (reply: Reply) => void) => {
  const handlers = input.isMaintenance === true ? maintenanceOf(db, input) : handlersOf(db, input);
  return ({ id, kind, ask }: Question): void => {
    try {
      // Each kind comes with its own question: `Exchanges` is the contract of both sides.
      const handle = handlers[kind] as ((ask: unknown) => unknown) | undefined;
      if (handle === undefined) throw new Error(`this thread does not answer ${kind}`);
      send({ id, ok: true, answer: handle(ask) });
    } catch (cause) {
      send({ id, ok: false, failure: toThreadFailure(cause, input.file) });
    }
    if (kind === 'close') parentPort?.close();
  };
};

if (parentPort !== null) {
  const port = parentPort;
  const input = workerData as ThreadInput;
  const opened = openDatabase(input);
  if (opened.ok) {
    port.on(
      'message',
      serve(opened.db, input, (reply) => port.postMessage(reply)),
    );
    port.postMessage({ id: 0, ok: true, answer: null } satisfies Reply);
  } else {
    port.postMessage({ id: 0, ok: false, failure: opened.failure } satisfies Reply);
  }
}
