import * as Effect from 'effect/Effect';

import { evidenceLogName } from '#src/actors/evidenceLog.ts';
import { judgeRecorded } from '#src/actors/grading.ts';
import { type Derivation, deriveEpochs, type SequencedRecord } from '#src/domain/derivation.ts';
import { decodeEvidence, type EvidenceRecord } from '#src/domain/evidence.ts';
import { openStoreReadOnly } from '#src/store/sqlite.ts';

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

const readLog = Effect.fn('test.readLog')(function* (dir: string) {
  const store = yield* openStoreReadOnly({ dir });
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

/** Reads a whole log and derives every epoch of it anew. */
export const readEvidenceOf = async (dir: string): Promise<Evidence> => {
  const log = await Effect.runPromise(Effect.scoped(readLog(dir)));
  return {
    log,
    derivation: deriveEpochs(log, judgeRecorded),
    of: (type) =>
      log.flatMap(({ seq, record }) =>
        // The union's members are told apart by `type`, which the compiler does not follow through a type parameter.
        record.type === type ? [{ ...(record as Extract<EvidenceRecord, { type: typeof type }>), seq }] : [],
      ),
  };
};
