import { describe, expect, it } from 'vitest';

import { requestId } from '#src/actors/requestIds.ts';
import type { EvidenceRecord } from '#src/domain/evidence.ts';
import { decodeEvidence } from '#src/domain/evidence.ts';

import type { BlockFact, RunFacts } from './facts.ts';
import { checkInvariants } from './invariants.ts';
import { owedEpochs } from './schedule.ts';

const validator = '5H6zyPXW95nwkPVJ1fe9xBTVwF75KG1V8oYbPTH5NPkxTgXq';
const witness = '5HpG9w8EBLe5XCrbczpwq5TSXvedjrBGCwqxK1iQ7qUsSWFc';
const requestKey = 'a'.repeat(32);
const roundId = 'r1-10-abcdef01';
const taskId = `${roundId}-0`;
const answer = { sentiment_score: 0.5, confidence: 0.5 };
const request = { text: 'fine' };

const record = (value: object): EvidenceRecord => {
  const decoded = decodeEvidence({ v: 1, epoch: 1, at: 1_000, roundId, ...value });
  if (!decoded.ok) throw new Error(decoded.error.reason);
  return decoded.value;
};

const planned = record({
  type: 'round.planned',
  block: 10,
  deadlineMs: 1_000,
  tasks: [{ taskId, kind: 'sentiment_analysis', request, truth: { sentiment_score: 0.5 } }],
  cohort: [{ uid: 1, hotkey: witness }],
  requestKey,
});
const judged = record({
  type: 'answer.judged',
  taskId,
  kind: 'sentiment_analysis',
  uid: 1,
  hotkey: witness,
  outcome: 'judged',
  answer,
  responseMs: 5,
  rttMs: null,
  chance: 0,
  accuracy: 1,
  brier: null,
});
const none = { judged: 0, invalid: 0, refused: 0, missed: 0, late: 0, unreachable: 0, lost: 0 };
const settled = record({ type: 'round.settled', dispatched: 1, ...none, judged: 1 });

const blocks = (epochs: number): readonly BlockFact[] =>
  Array.from({ length: epochs * 10 }, (_, at) => ({
    number: at + 1,
    epoch: Math.floor(at / 10),
    atMs: at * 1_000,
  }));

const submission = {
  hotkey: validator,
  block: 15,
  epoch: 1,
  call: 'setWeights',
  nonce: 0,
  isSuccess: true,
  weights: null,
};

const factsOf = (records: readonly EvidenceRecord[], more: Partial<RunFacts> = {}): RunFacts => ({
  witnessHotkey: witness,
  validators: [
    {
      hotkey: validator,
      log: records.map((value, at) => ({ seq: at + 1, key: null, record: value })),
      unreadable: [],
      setAside: [],
      commands: [],
    },
  ],
  witnessed: [
    {
      id: requestId(requestKey, taskId, witness),
      validator,
      roundId,
      kind: 'sentiment_analysis',
      request,
      answer,
      isAcknowledged: true,
    },
  ],
  strayAcks: [],
  submissions: [submission],
  blocks: blocks(3),
  outages: [],
  schedule: { tempo: 10, dueAfter: 0.3, lastBlocks: 2, enoughMs: 2_000, fromMs: 0, toMs: 40_000 },
  processes: { stillRunning: [], ends: [], peaks: [] },
  notRecovered: [],
  ...more,
});

const violationsOf = (name: string, facts: RunFacts): readonly string[] => {
  const verdict = checkInvariants(facts).find((one) => one.name === name);
  if (verdict === undefined) throw new Error(`there is no invariant "${name}"`);
  return verdict.violations;
};

describe('chaos / invariants', () => {
  it('holds for a round of one answer', () => {
    const facts = factsOf([planned, judged, settled]);
    for (const name of [
      'no acknowledged answer is lost',
      'no answer is judged twice',
      'request counts add up',
      'at most one weight submission per epoch and validator',
    ])
      expect(violationsOf(name, facts)).toEqual([]);
  });

  it('misses an acknowledged answer that is not on record, or as another one', () => {
    const name = 'no acknowledged answer is lost';
    expect(violationsOf(name, factsOf([planned, settled]))[0]).toMatch(/is lost/);
    const other = { ...judged, answer: { ...answer, confidence: 0.1 } } as EvidenceRecord;
    expect(violationsOf(name, factsOf([planned, other, settled]))[0]).toMatch(/as another one/);
    const missed = { ...judged, outcome: 'missed', answer: null } as EvidenceRecord;
    expect(violationsOf(name, factsOf([planned, missed, settled]))[0]).toMatch(/on record as missed/);
  });

  it('misses the plan of what was asked, and a question to an acknowledgement', () => {
    const name = 'no acknowledged answer is lost';
    expect(violationsOf(name, factsOf([]))[0]).toMatch(/no plan of it/);
    const facts = factsOf([planned, judged, settled], { strayAcks: ['x'] });
    expect(violationsOf(name, facts)[0]).toMatch(/never asked/);
  });

  it('sees a second verdict of one pair', () => {
    const facts = factsOf([planned, judged, judged, settled]);
    expect(violationsOf('no answer is judged twice', facts)[0]).toMatch(/has 2 verdicts/);
  });

  it('sees a round without an end, with two, and one whose counts differ', () => {
    const name = 'request counts add up';
    expect(violationsOf(name, factsOf([planned, judged]))[0]).toMatch(/has no end/);
    expect(violationsOf(name, factsOf([planned, judged, settled, settled]))[0]).toMatch(/ends 2 times/);
    expect(violationsOf(name, factsOf([planned, settled]))[0]).toMatch(/states 1 judged, the log has 0/);
  });

  it('counts extrinsics, also those that failed', () => {
    const second = { ...submission, block: 17, nonce: 1, isSuccess: false };
    const facts = factsOf([], { submissions: [submission, second] });
    expect(violationsOf('at most one weight submission per epoch and validator', facts)[0]).toMatch(
      /submitted 2 times: block 15 \(nonce 0\), block 17 \(nonce 1, failed\)/,
    );
  });

  it('owes weights where the window had time enough without a fault', () => {
    const quiet = factsOf([]);
    expect(owedEpochs(quiet).map(({ epoch }) => epoch)).toEqual([0, 1, 2]);
    expect(violationsOf('no epoch without weights that could have had them', quiet)).toHaveLength(2);
    const outages = [
      { kind: 'cut.chain', fromMs: 12_500, toMs: 14_000 },
      { kind: 'kill.chain', fromMs: 14_000, toMs: 16_500 },
      { kind: 'kill.miner', fromMs: 0, toMs: 30_000 },
    ] as const;
    expect(owedEpochs(factsOf([], { outages })).map(({ epoch }) => epoch)).toEqual([0, 2]);
  });

  it('takes a check of nothing for a failure', () => {
    expect(violationsOf('no answer is judged twice', factsOf([]))).toEqual(['nothing to check']);
  });

  it('sees what is left over', () => {
    const facts = factsOf([], {
      processes: {
        stillRunning: [7],
        ends: [{ name: 'miner 0', code: null, signal: 'SIGKILL' }],
        peaks: [{ name: 'validator A', rssMiB: 2_000, descriptors: 50 }],
      },
    });
    expect(violationsOf('processes end, and stay within memory and descriptors', facts)).toHaveLength(3);
  });
});
