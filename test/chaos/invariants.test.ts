import { describe, expect, it } from 'vitest';

import { requestId } from '#src/actors/requestIds.ts';
import type { EvidenceRecord } from '#src/domain/evidence.ts';
import { decodeEvidence } from '#src/domain/evidence.ts';

import type { BlockFact, Journal, RunFacts } from './facts.ts';
import { checkInvariants } from './invariants.ts';
import { owedEpochs } from './schedule.ts';
import { isAtWork } from './waits.ts';

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

/** What a process says, by second, in its first life. */
const journal = (...said: readonly (readonly [second: number, event: string])[]): Journal => ({
  name: 'validator A',
  entries: said.map(([second, event]) => ({ atMs: second * 1_000, life: 1, event })),
});
const begun = [
  [-9, 'process.started'],
  [-8, 'daemon.started'],
  [-7, 'daemon.writing'],
  [-6, 'chain.opened'],
] as const;
/** Ends a round of each of these epochs half a second after the first block. */
const withRounds = ({ name, entries }: Journal, epochs: readonly number[]): Journal => ({
  name,
  entries: [
    ...entries,
    ...epochs.map((epoch) => ({
      atMs: epoch * 10_000 + 500,
      life: 1,
      event: 'round.ended',
      round: { epoch, block: epoch * 10 + 1 },
    })),
  ].sort((a, b) => a.atMs - b.atMs),
});
const worked = [withRounds(journal(...begun), [0, 1, 2])];

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
      journals: worked,
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
  stalls: [],
  schedule: { tempo: 10, dueAfter: 0.3, lastBlocks: 2, enoughBlocks: 2, fromMs: 0, toMs: 40_000 },
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

describe('chaos / epochs without weights', () => {
  const name = 'no epoch without weights that could have had them';
  /** Of epochs 0 to 2 of ten blocks and ten seconds; weights have seconds 3 to 7 of each. */
  const owed = (journals: readonly Journal[], more: Partial<RunFacts> = {}): readonly number[] =>
    owedEpochs(factsOf([], more), { journals, log: [] }).map(({ epoch }) => epoch);
  const lost = (...seconds: readonly number[]) => seconds.map((second) => [second, 'chain.lost'] as const);

  it('owes weights of each window in which a validator could work', () => {
    expect(owed(worked)).toEqual([0, 1, 2]);
    const facts = factsOf([], { outages: [] });
    expect(violationsOf(name, facts)).toEqual([
      expect.stringMatching(/^epoch 0 has no weights .* for 4 blocks \(4000 ms\)/),
      expect.stringMatching(/^epoch 2 has no weights/),
    ]);
  });

  it('excuses an epoch whose window has no time without a fault of the validator, or of the machine', () => {
    const outages = [
      { kind: 'cut.chain', fromMs: 12_500, toMs: 14_000 },
      { kind: 'kill.chain', fromMs: 14_000, toMs: 16_500 },
      { kind: 'kill.miner', fromMs: 0, toMs: 30_000 },
    ] as const;
    expect(owed(worked, { outages })).toEqual([0, 2]);
    expect(owed(worked, { stalls: [{ fromMs: 22_000, toMs: 26_500 }] })).toEqual([0, 1]);
  });

  it('excuses the pause before a chain is dialled again, which grows with each loss', () => {
    const six = journal(...begun, ...lost(5, 6, 7, 8, 9, 12), [29, 'chain.opened']);
    expect(owed([withRounds(six, [0, 1])])).toEqual([0]);
  });

  it('excuses no chain that is not dialled again', () => {
    const one = journal(...begun, ...lost(12));
    expect(owed([withRounds(one, [0, 1])])).toEqual([0, 1, 2]);
    expect(owed([withRounds(journal(...begun, ...lost(5, 6, 7, 8)), [0])])).toEqual([0, 2]);
  });

  it('sees that the chain is back by a round on a newer block', () => {
    const six = journal(...begun, ...lost(5, 6, 7, 8, 9, 10));
    expect(owed([withRounds(six, [0, 1])])).toEqual([0]);
    const round = { atMs: 13_000, life: 1, event: 'round.ended', round: { epoch: 1, block: 12 } };
    const [{ entries }] = [withRounds(six, [0])];
    expect(owed([{ name: 'validator A', entries: [...entries, round] }])).toEqual([0, 1, 2]);
  });

  it('excuses a takeover and its boot, and no standby that leaves the place empty', () => {
    const ended = withRounds(journal(...begun, [11, 'process.ended']), [0, 1]);
    expect(owed([ended])).toEqual([0, 2]);
    const heir = journal(
      [-9, 'process.started'],
      [-8, 'daemon.started'],
      [14, 'daemon.writing'],
      [16, 'chain.opened'],
    );
    expect(owed([ended, withRounds(heir, [2])])).toEqual([0, 2]);
  });

  it('excuses a store in trouble as long as it is tried, and no longer', () => {
    const troubled = journal(...begun, [12, 'store.troubled'], [18, 'store.recovered']);
    expect(owed([withRounds(troubled, [0, 1, 2])])).toEqual([0, 2]);
    expect(owed([withRounds(journal(...begun, [12, 'store.troubled']), [0, 1])])).toEqual([0, 2]);
  });

  it('excuses the pause after a refusal that a trouble explains, and no other one', () => {
    const refusals = [11.5, 12.5, 14.2].map((second) => [second, 'weights.refused'] as const);
    const refused = [withRounds(journal(...begun, ...refusals), [0, 1, 2])];
    expect(owed(refused)).toEqual([0, 1, 2]);
    const outages = [{ kind: 'cut.redis', fromMs: 11_000, toMs: 14_100 }] as const;
    expect(owed(refused, { outages })).toEqual([0, 2]);
  });

  it('waits for the first round of an epoch, and takes a validator that holds none for idle', () => {
    expect(owed([journal(...begun)])).toEqual([0, 1, 2]);
    const outages = [{ kind: 'snap.chain', fromMs: 14_500, toMs: 14_501 }] as const;
    expect(owed([journal(...begun)], { outages })).toEqual([0, 2]);
    const late = { atMs: 15_500, life: 1, event: 'round.ended', round: { epoch: 1, block: 14 } };
    const [{ entries }] = [journal(...begun)];
    expect(owed([{ name: 'validator A', entries: [...entries, late] }])).toEqual([0, 1, 2]);
  });

  it('owes nothing for an epoch whose evidence gives nobody any weight', () => {
    const scored = (uids: readonly number[]) =>
      ({ type: 'epoch.scored', epoch: 2, vector: { uids, values: uids } }) as unknown as EvidenceRecord;
    const owedBy = (record: EvidenceRecord) =>
      owedEpochs(factsOf([]), { journals: worked, log: [{ seq: 1, key: null, record }] });
    expect(owedBy(scored([1])).map(({ epoch }) => epoch)).toEqual([0, 1, 2]);
    expect(owedBy(scored([])).map(({ epoch }) => epoch)).toEqual([0, 1]);
  });

  it('knows whether somebody is at work', () => {
    const now = (journals: readonly Journal[]): boolean =>
      isAtWork(journals, { blocks: [], troubles: [], untilMs: 20_000 });
    expect(now(worked)).toBe(true);
    expect(now([journal(...begun, ...lost(12))])).toBe(false);
    expect(now([journal(...begun, [12, 'store.troubled'])])).toBe(false);
    expect(now([journal(...begun, [12, 'process.ended'])])).toBe(false);
  });
});
