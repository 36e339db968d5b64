import { describe, expect, it } from 'vitest';

import type { ChainFacts } from '#src/domain/view/chainReasons.ts';
import {
  type ValidatorFacts,
  validatorReasons,
  validatorVerdict,
} from '#src/domain/view/validatorVerdict.ts';

const wellChain: ChainFacts = {
  link: 'following',
  lostForMs: null,
  endpoints: 2,
  lastFailure: null,
  finalizedBlock: 300,
  headAgeMs: 3_000,
  blockMs: 12_000,
  lagBlocks: 0,
  metagraphBlock: 295,
  unreadable: null,
  isOld: false,
  forkedWith: [],
  clockBehindMs: null,
};

/** A validator with nothing to complain about. */
const well: ValidatorFacts = {
  life: { stage: 'working', ending: null, lease: 'sure', holder: null },
  chain: wellChain,
  membership: { isRegistered: true, hasPermit: true },
  rounds: { holds: [], isRecovering: false, idleMs: 10_000, expectedMs: 27_000, unbalanced: 0 },
  miners: { known: 12, unreachable: 1, guessing: [] },
  weights: {
    block: 300,
    epoch: { index: 7, beganAtBlock: 90, dueAtBlock: 270, endsAtBlock: 450 },
    confirmedEpoch: 7,
    startedAtBlock: 100,
    isExpected: true,
    refusal: null,
    behind: 0,
    unrevealed: null,
    foreignEpoch: null,
  },
  upkeep: { storeTrouble: null, shortages: [] },
};

type Change = { readonly [Part in keyof ValidatorFacts]?: Partial<ValidatorFacts[Part]> };

const facts = (change: Change): ValidatorFacts => ({
  life: { ...well.life, ...change.life },
  chain: { ...well.chain, ...change.chain },
  membership:
    change.membership === null ? null : { isRegistered: true, hasPermit: true, ...change.membership },
  rounds: { ...well.rounds, ...change.rounds },
  miners: { ...well.miners, ...change.miners },
  weights: { ...well.weights, ...change.weights },
  upkeep: { ...well.upkeep, ...change.upkeep },
});

const guesser = { uid: 4, judged: 120, accuracy: 0.31, chance: 0.33 };
const unconfirmed = { confirmedEpoch: 6 };
const refusal = { epoch: 7, message: 'SettingWeightsTooFast', attempts: 2, retryAtBlock: 310 };

const table: readonly (readonly [string, Change, code: string, level: string, text: RegExp])[] = [
  [
    'the store is being opened',
    { life: { stage: 'opening', lease: 'none' } },
    'daemon.starting',
    'starting',
    /opened/,
  ],
  [
    'another validator writes',
    { life: { stage: 'standingBy', lease: 'standingBy', holder: 'host/1' } },
    'lease.standby',
    'starting',
    /Standing by.*host\/1/,
  ],
  [
    'nobody can tell who writes',
    { life: { stage: 'standingBy', lease: 'blind' } },
    'lease.unreadable',
    'failing',
    /does not say/,
  ],
  [
    'the lease was not renewed',
    { life: { lease: 'uncertain' } },
    'lease.uncertain',
    'attention',
    /could not be renewed/,
  ],
  ['the lease was taken over', { life: { lease: 'lost' } }, 'lease.lost', 'failing', /taken over/],
  [
    'it drains',
    { life: { stage: 'draining', ending: 'SIGTERM' } },
    'daemon.draining',
    'attention',
    /SIGTERM/,
  ],
  [
    'it has ended',
    { life: { stage: 'ended', ending: 'the disk is gone' } },
    'daemon.ended',
    'failing',
    /the disk is gone/,
  ],
  [
    'the first connection is opened',
    { chain: { link: 'opening', finalizedBlock: null, headAgeMs: null, metagraphBlock: null } },
    'chain.connecting',
    'starting',
    /first time/,
  ],
  [
    'the chain is lost',
    { chain: { link: 'lost', lostForMs: 12_000, lastFailure: 'refused' } },
    'chain.lost',
    'failing',
    /for 12 s: refused/,
  ],
  ['the node lags', { chain: { lagBlocks: 9 } }, 'chain.lagging', 'attention', /9 blocks behind/],
  [
    'no head arrives',
    { chain: { headAgeMs: 61_000 } },
    'chain.lagging',
    'attention',
    /for 61 s; one comes every 12 s/,
  ],
  ['the head is old', { chain: { isOld: true } }, 'chain.old', 'attention', /five minutes/],
  [
    'the metagraph is being read',
    { chain: { metagraphBlock: null } },
    'chain.reading',
    'starting',
    /being read/,
  ],
  [
    'the metagraph cannot be read',
    { chain: { unreadable: 'bad metadata' } },
    'chain.unreadable',
    'attention',
    /5 blocks old: bad metadata/,
  ],
  [
    'it never could be read',
    { chain: { unreadable: 'bad metadata', metagraphBlock: null } },
    'chain.unreadable',
    'failing',
    /none was read/,
  ],
  ['two nodes disagree', { chain: { forkedWith: ['wss://b'] } }, 'chain.forked', 'attention', /wss:\/\/b/],
  ['the clock is behind', { chain: { clockBehindMs: 90_000 } }, 'clock.behind', 'attention', /90 s behind/],
  [
    'the hotkey is not registered',
    { membership: { isRegistered: false } },
    'hotkey.unregistered',
    'failing',
    /not registered/,
  ],
  [
    'there is no permit',
    { membership: { hasPermit: false } },
    'permit.missing',
    'failing',
    /no validator permit/,
  ],
  [
    'weights are late',
    { weights: { ...unconfirmed } },
    'weights.late',
    'attention',
    /epoch 7 were due at block 270, 30 blocks ago.*ends in 150 blocks/,
  ],
  [
    'weights are late and time is short',
    { weights: { ...unconfirmed, block: 400 } },
    'weights.late',
    'failing',
    /130 blocks ago/,
  ],
  ['weights are behind', { weights: { behind: 1 } }, 'weights.behind', 'attention', /1 epoch went by/],
  ['weights are far behind', { weights: { behind: 3 } }, 'weights.behind', 'failing', /3 epochs went by/],
  [
    'weights are refused for now',
    { weights: { ...unconfirmed, block: 271, refusal } },
    'weights.refused',
    'attention',
    /SettingWeightsTooFast/,
  ],
  [
    'weights are refused for good',
    { weights: { ...unconfirmed, block: 271, refusal: { ...refusal, retryAtBlock: null } } },
    'weights.refused',
    'failing',
    /after 2 tries/,
  ],
  [
    'a commit was lost',
    { weights: { unrevealed: { epoch: 5, advice: 'wait' } } },
    'weights.unrevealed',
    'attention',
    /epoch 5/,
  ],
  [
    'another program has the hotkey',
    { weights: { foreignEpoch: 7 } },
    'weights.foreign',
    'attention',
    /Another program/,
  ],
  [
    'no round finishes',
    { rounds: { idleMs: 70_000 } },
    'rounds.none',
    'attention',
    /for 70 s; one takes 27 s/,
  ],
  ['no round finishes at all', { rounds: { idleMs: 300_000 } }, 'rounds.none', 'failing', /for 5 min/],
  ['rounds are held', { rounds: { holds: ['store full'] } }, 'rounds.held', 'attention', /store full/],
  ['links collapsed', { rounds: { isRecovering: true } }, 'rounds.recovering', 'attention', /at once/],
  [
    'books do not add up',
    { rounds: { unbalanced: 1 } },
    'requests.unbalanced',
    'attention',
    /1 round do not add up/,
  ],
  ['nobody serves', { miners: { known: 0, unreachable: 0 } }, 'miners.none', 'attention', /No miner/],
  [
    'many miners are away',
    { miners: { unreachable: 5 } },
    'miners.unreachable',
    'attention',
    /5 of 12 miners/,
  ],
  ['all miners are away', { miners: { unreachable: 12 } }, 'miners.unreachable', 'failing', /12 of 12/],
  [
    'a miner guesses',
    { miners: { guessing: [guesser] } },
    'miner.guessing',
    'attention',
    /uid 4 answers no better than guessing: 31 % right where chance is 33 %, over 120 answers/,
  ],
  [
    'the store cannot write',
    { upkeep: { storeTrouble: { kind: 'full', message: 'no room' } } },
    'store.troubled',
    'failing',
    /full.*no room/,
  ],
  ['the disk is short', { upkeep: { shortages: ['disk'] } }, 'resources.short', 'failing', /disk/],
];

describe('domain/view / validatorVerdict', () => {
  it('has nothing to say of a validator that is well', () => {
    expect(validatorReasons(well)).toEqual([]);
    expect(validatorVerdict(well, 'All is well.')).toEqual({
      level: 'ok',
      text: 'All is well.',
      reasons: [],
    });
  });

  it.each(table)('says so when %s', (_, change, code, level, text) => {
    const reasons = validatorReasons(facts(change));
    expect(reasons.map((reason) => reason.code)).toEqual([code]);
    expect(reasons[0]).toMatchObject({ level, text: expect.stringMatching(text) });
    expect(reasons[0]?.advice).not.toBe('');
  });

  it('tells of late weights only after the time that scoring and finality take', () => {
    const codes = (block: number) =>
      validatorReasons(facts({ weights: { ...unconfirmed, block } })).map(({ code }) => code);
    expect(codes(269)).toEqual([]);
    expect(codes(279)).toEqual([]);
    expect(codes(280)).toEqual(['weights.late']);
  });

  it('gives a validator that was started late the same time', () => {
    const late = (startedAtBlock: number) =>
      validatorReasons(facts({ weights: { ...unconfirmed, startedAtBlock, block: 300 } })).length;
    expect([late(289), late(290), late(291)]).toEqual([1, 1, 0]);
  });

  it('calls weights late neither where nothing was scored nor where they stand', () => {
    expect(validatorReasons(facts({ weights: { ...unconfirmed, isExpected: false } }))).toEqual([]);
    expect(validatorReasons(facts({ weights: { confirmedEpoch: 8 } }))).toEqual([]);
    expect(validatorReasons(facts({ weights: { ...unconfirmed, epoch: null } }))).toEqual([]);
  });

  it('does not worry about a pause of seconds on a chain of fast blocks', () => {
    expect(validatorReasons(facts({ chain: { blockMs: 250, headAgeMs: 3_900 } }))).toEqual([]);
    expect(validatorReasons(facts({ chain: { blockMs: 250, headAgeMs: 4_100 } }))).toHaveLength(1);
  });

  it('blames no round while links to miners are what is missing', () => {
    const reasons = validatorReasons(
      facts({ miners: { known: 0, unreachable: 0 }, rounds: { idleMs: 9e6 } }),
    );
    expect(reasons.map(({ code }) => code)).toEqual(['miners.none']);
  });

  it('names many guessers in one bounded sentence', () => {
    const guessing = Array.from({ length: 256 }, (_, uid) => ({ ...guesser, uid }));
    const [reason] = validatorReasons(facts({ miners: { guessing } }));
    expect(reason?.text).toMatch(/so do uid 1, 2, 3/);
    expect(reason?.text.length).toBeLessThan(250);
  });

  it('bounds what others said, and keeps it on one line', () => {
    const lastFailure = `${'x'.repeat(5_000)}\n${'y'.repeat(5_000)}`;
    const [reason] = validatorReasons(facts({ chain: { link: 'lost', lostForMs: 1, lastFailure } }));
    expect(reason?.text.length).toBeLessThan(400);
    expect(reason?.text).not.toContain('\n');
  });

  it('puts what is failing first, and says how much more there is', () => {
    const verdict = validatorVerdict(
      facts({ chain: { link: 'lost', lostForMs: 1_000 }, miners: { guessing: [guesser] } }),
      '',
    );
    expect(verdict.level).toBe('failing');
    expect(verdict.reasons.map(({ code }) => code)).toEqual(['chain.lost', 'miner.guessing']);
    expect(verdict.text).toMatch(/No connection.*\(and 1 more\)/);
  });
});
