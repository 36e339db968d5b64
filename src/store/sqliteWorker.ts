import type { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

import { openDatabase, toThreadFailure } from './database.ts';
import { openReads } from './reads.ts';
import type { Question, Reply, ThreadInput } from './storeThread.ts';
import { openWrites } from './writes.ts';

/**
 * Entry of the worker thread: `node:sqlite` is synchronous and a durable commit waits 0.3 to 4 ms for the disk, which
 * no event loop with sockets may do. Questions are answered one by one, in order.
 */
const serve = (db: DatabaseSync, input: ThreadInput, send: (reply: Reply) => void) => {
  const reads = openReads(db);
  const writes = input.readOnly ? null : openWrites(db);
  const writable = () => {
    if (writes === null) throw new Error('opened read-only');
    return writes;
  };
  const answer = (question: Question): unknown => {
    switch (question.kind) {
      case 'commit':
        return writable().commit(question.ask);
      case 'quarantine':
        return writable().quarantine(question.ask);
      case 'read':
        return reads.read(question.ask);
      case 'find':
        return reads.find(question.ask);
      case 'lastSeq':
        return reads.lastSeq(question.ask);
      case 'loadSnapshot':
        return reads.loadSnapshot(question.ask);
      case 'setAside':
        return reads.setAside();
      case 'close':
        db.close();
        return null;
    }
  };
  return (question: Question): void => {
    try {
      send({ id: question.id, ok: true, answer: answer(question) });
    } catch (cause) {
      send({ id: question.id, ok: false, failure: toThreadFailure(cause, input.file) });
    }
    if (question.kind === 'close') parentPort?.close();
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
