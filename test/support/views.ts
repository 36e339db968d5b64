import * as Effect from 'effect/Effect';
import type { AnyActorRef } from 'xstate';
import { createValidatorView } from '#src/actors/views/validatorView.ts';
import type { ViewParts } from '#src/actors/views/viewSource.ts';
import type { AnswerJudged, EpochScored, RoundPlanned, RoundSettled } from '#src/domain/evidence.ts';
import { type EvidenceRecord, evidenceKey } from '#src/domain/evidence.ts';
import { noOutcomes } from '#src/domain/requestAccount.ts';
import { defaultScoringPolicy } from '#src/domain/scoring.ts';
import type { Json, NewRecord, Store } from '#src/store/store.ts';

/** Addresses in the shape of hotkeys. */
export const hotkeyOf = (index: number): string =>
  `5${'A'.repeat(44)}${String(index).padStart(3, '1').replaceAll('0', 'z')}`;

export const secrets = {
  key: 'c0ffee'.repeat(8),
  truth: 'the-true-label',
  request: 'the-secret-question',
  answer: 'the-answer-given',
};

export const planned = (roundId: string, change: Partial<RoundPlanned> = {}): RoundPlanned => ({
  v: 1,
  type: 'round.planned',
  roundId,
  epoch: 7,
  block: 100,
  at: 1_000,
  deadlineMs: 10_000,
  tasks: [
    {
      taskId: 't0',
      kind: 'text_classification',
      request: { text: secrets.request },
      truth: { label: secrets.truth },
    },
  ],
  cohort: [
    { uid: 1, hotkey: hotkeyOf(1) },
    { uid: 2, hotkey: hotkeyOf(2) },
  ],
  requestKey: secrets.key,
  ...change,
});

export const judged = (roundId: string, uid: number, change: Partial<AnswerJudged> = {}): AnswerJudged => ({
  v: 1,
  type: 'answer.judged',
  roundId,
  taskId: 't0',
  kind: 'text_classification',
  epoch: 7,
  uid,
  hotkey: hotkeyOf(uid),
  outcome: 'judged',
  answer: { label: secrets.answer },
  responseMs: 100 * uid,
  rttMs: 5,
  chance: 0.25,
  accuracy: 1,
  brier: null,
  at: 2_000,
  ...change,
});

export const settledRound = (roundId: string, change: Partial<RoundSettled> = {}): RoundSettled => ({
  v: 1,
  type: 'round.settled',
  roundId,
  epoch: 7,
  ...noOutcomes,
  dispatched: 2,
  judged: 2,
  at: 3_000,
  ...change,
});

export const scored = (epoch: number, uids: readonly number[] = [1, 2]): EpochScored => ({
  v: 1,
  type: 'epoch.scored',
  epoch,
  block: 100,
  blockHash: `0x${'0'.repeat(64)}`,
  fromSeq: 0,
  cutSeq: 0,
  candidates: [],
  ownerUid: null,
  policy: defaultScoringPolicy,
  scores: uids.map((uid) => ({
    uid,
    hotkey: hotkeyOf(uid),
    asked: 10,
    judged: 10,
    refused: 0,
    accuracy: 1,
    brier: null,
    medianMs: 100,
    quality: 0.9,
    trust: 0.8,
    stake: 0.1,
    score: 0.5 / uid,
  })),
  trust: {},
  vector: { uids, values: uids.map((uid) => Math.floor(65_535 / uid)) },
  at: 4_000,
});

/** A store in memory, as far as a view uses one. */
export const memoryStore = (records: readonly EvidenceRecord[] = []) => {
  const kept: NewRecord[] = records.map(asRecord);
  const unused = (): never => {
    throw new Error('a view does not do this');
  };
  const store: Store = {
    append: (_log, added) =>
      Effect.sync(() => {
        const duplicates = added.flatMap(({ key }, index) =>
          kept.some((record) => record.key === key) ? [index] : [],
        );
        kept.push(...added.filter((_, index) => !duplicates.includes(index)));
        return { lastSeq: kept.length, duplicates };
      }),
    read: (_log, { after, upTo, limit }) =>
      Effect.sync(() =>
        kept
          .map(({ key, value }, index) => ({ seq: index + 1, key: key ?? null, value }))
          .slice(after, Math.min(upTo ?? kept.length, after + limit)),
      ),
    find: (_log, key) =>
      Effect.sync(() => {
        const index = kept.findIndex((record) => record.key === key);
        const found = kept[index];
        return found === undefined ? null : { seq: index + 1, key, value: found.value };
      }),
    lastSeq: () => Effect.sync(() => kept.length),
    loadSnapshot: unused,
    saveSnapshot: unused,
    useIds: unused,
    addTo: unused,
    dropRecords: unused,
    setAside: Effect.succeed([]),
  };
  return { store, kept };
};

/** As daemons append it. */
export const asRecord = (record: EvidenceRecord): NewRecord => ({
  key: evidenceKey(record),
  value: record as unknown as Json,
});

export const write = (store: Store, ...records: readonly EvidenceRecord[]) =>
  Effect.runPromise(store.append('evidence', records.map(asRecord)));

export const viewParts = (change: Partial<ViewParts> = {}): ViewParts => ({
  about: {
    role: 'validator',
    version: '1.0.0',
    network: 'local',
    netuid: 86,
    hotkey: '5Own',
    startedAt: 0,
    pid: 1,
    node: 'v24',
    dataDir: '/tmp/data',
    store: 'embedded',
  },
  warnings: () => [],
  ...change,
});

/** A runtime whose services are not there: what needs them goes without. */
const noRuntime = { runPromise: () => Promise.reject(new Error('no runtime here')) };

/** A view of a validator that runs in a test, which sees all that happens from now on. */
export const watching = (actor: AnyActorRef, change: Partial<ViewParts> = {}) => {
  const view = createValidatorView(viewParts(change));
  actor.system.inspect((inspected) => view.onInspection(inspected));
  const live = { root: actor, runtime: noRuntime, vitals: { pressure: () => ({ pendingRows: 3 }) } };
  view.attach(live as unknown as Parameters<typeof view.attach>[0]);
  return view;
};
