import * as Effect from 'effect/Effect';

import { evidenceLogName } from '#src/actors/evidenceLog.ts';
import { judgeRecorded } from '#src/actors/grading.ts';
import { type Derivation, deriveEpochs, type SequencedRecord } from '#src/domain/derivation.ts';
import { decodeEvidence, type EvidenceRecord } from '#src/domain/evidence.ts';
import { openStoreReadOnly } from '#src/store/sqlite.ts';
import type { StoreReader } from '#src/store/store.ts';

/** A validator's evidence, as an auditor reads it from the data folder. */
export type Evidence = {
  readonly log: readonly SequencedRecord[];
  readonly derivation: Derivation;
  /** All records of one type, in order. */
  readonly of: <T extends EvidenceRecord['type']>(
    type: T,
  ) => readonly (Extract<EvidenceRecord, { readonly type: T }> & { readonly seq: number })[];
};

const pageRecords = 2_000;

const readLog = Effect.fn('test.readLog')(function* (store: StoreReader) {
  const log: SequencedRecord[] = [];
  for (let after = 0; ; ) {
    const page = yield* store.read(evidenceLogName, { after, limit: pageRecords });
    const last = page.at(-1);
    if (last === undefined) return log;
    after = last.seq;
    for (const { seq, key, value } of page) {
      const record = decodeEvidence(value);
      if (!record.ok) throw new Error(`record ${seq} (${key}) does not decode: ${record.error.reason}`);
      log.push({ seq, record: record.value });
    }
  }
});

/** Reads what is left of a log and derives every epoch of it anew that can be. */
export const readEvidence = (store: StoreReader) =>
  Effect.map(
    readLog(store),
    (log): Evidence => ({
      log,
      derivation: deriveEpochs(log, judgeRecorded, log[0]?.seq),
      of: (type) =>
        log.flatMap(({ seq, record }) =>
          // The union's members are told apart by `type`, which the compiler does not follow through a type parameter.
          record.type === type
            ? [{ ...(record as Extract<EvidenceRecord, { type: typeof type }>), seq }]
            : [],
        ),
    }),
  );

/** The same of the embedded store in a data folder. */
export const readEvidenceOf = (dir: string): Promise<Evidence> =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(openStoreReadOnly({ dir }), readEvidence)));
