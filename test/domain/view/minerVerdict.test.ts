import { describe, expect, it } from 'vitest';

import { type MinerDaemonFacts, minerReasons, minerVerdict } from '#src/domain/view/minerVerdict.ts';

const well: MinerDaemonFacts = {
  life: { stage: 'working', ending: null },
  chain: {
    link: 'following',
    lostForMs: null,
    endpoints: 1,
    lastFailure: null,
    finalizedBlock: 300,
    headAgeMs: 3_000,
    blockMs: 12_000,
    lagBlocks: null,
    metagraphBlock: 298,
    unreadable: null,
    isOld: false,
    forkedWith: [],
    clockBehindMs: null,
  },
  isRegistered: true,
  inference: {
    slots: 2,
    ready: 2,
    hasBeenReady: true,
    lastExit: null,
    failure: null,
    provider: 'cpu',
    note: null,
    isSaturated: false,
    queued: 0,
  },
  serving: {
    axonRefusal: null,
    listenerFailure: null,
    validators: 1,
    aloneForMs: null,
    holds: [],
    lost: 0,
    answered: 100,
  },
  upkeep: { storeTrouble: null, shortages: [] },
};

type Change = {
  readonly [Part in keyof MinerDaemonFacts]?: MinerDaemonFacts[Part] extends object
    ? Partial<MinerDaemonFacts[Part]>
    : MinerDaemonFacts[Part];
};

const facts = (change: Change): MinerDaemonFacts => ({
  life: { ...well.life, ...change.life },
  chain: { ...well.chain, ...change.chain },
  isRegistered: change.isRegistered ?? true,
  inference: { ...well.inference, ...change.inference },
  serving: { ...well.serving, ...change.serving },
  upkeep: { ...well.upkeep, ...change.upkeep },
});

const table: readonly (readonly [string, Change, code: string, level: string, text: RegExp])[] = [
  ['it starts', { life: { stage: 'opening' } }, 'daemon.starting', 'starting', /starting/],
  [
    'it drains',
    { life: { stage: 'draining', ending: 'SIGTERM' } },
    'daemon.draining',
    'attention',
    /SIGTERM/,
  ],
  ['it has ended', { life: { stage: 'ended', ending: 'a defect' } }, 'daemon.ended', 'failing', /a defect/],
  [
    'the chain is lost',
    { chain: { link: 'lost', lostForMs: 5_000, lastFailure: 'closed' } },
    'chain.lost',
    'failing',
    /for 5 s: closed/,
  ],
  [
    'the hotkey is not registered',
    { isRegistered: false },
    'hotkey.unregistered',
    'failing',
    /not registered/,
  ],
  [
    'models are loading',
    { inference: { ready: 0, hasBeenReady: false } },
    'inference.warming',
    'starting',
    /0 of 2 workers/,
  ],
  [
    'a worker is down',
    { inference: { ready: 1, lastExit: 'ended by signal SIGKILL' } },
    'inference.workerDown',
    'attention',
    /1 of 2 inference workers is down.*SIGKILL/,
  ],
  [
    'all workers are down',
    { inference: { ready: 0, lastExit: 'out of memory' } },
    'inference.workerDown',
    'failing',
    /2 of 2/,
  ],
  [
    'inference has failed',
    { inference: { failure: 'no model', ready: 0 } },
    'inference.failed',
    'failing',
    /no model/,
  ],
  [
    'the GPU is not used',
    { inference: { note: 'CUDA 12 is missing' } },
    'inference.fellBack',
    'attention',
    /runs on cpu.*CUDA 12/,
  ],
  [
    'the queue is full',
    { inference: { isSaturated: true, queued: 256 } },
    'queue.saturated',
    'attention',
    /256 texts/,
  ],
  [
    'the axon is refused',
    { serving: { axonRefusal: 'InvalidIpAddress' } },
    'axon.refused',
    'failing',
    /InvalidIpAddress/,
  ],
  [
    'the port was lost',
    { serving: { listenerFailure: 'EADDRINUSE' } },
    'listener.closed',
    'failing',
    /EADDRINUSE/,
  ],
  [
    'tasks are held',
    { serving: { holds: ['short of memory'] } },
    'tasks.held',
    'attention',
    /short of memory/,
  ],
  [
    'nobody dials',
    { serving: { validators: 0, aloneForMs: 600_000 } },
    'validators.none',
    'attention',
    /for 10 min/,
  ],
  [
    'answers are lost',
    { serving: { lost: 12 } },
    'answers.lost',
    'attention',
    /12 answers of the last ten minutes/,
  ],
  [
    'the store cannot write',
    { upkeep: { storeTrouble: { kind: 'full', message: 'no room' } } },
    'store.troubled',
    'failing',
    /no room/,
  ],
  ['memory is short', { upkeep: { shortages: ['memory'] } }, 'resources.short', 'failing', /memory/],
];

describe('domain/view / minerVerdict', () => {
  it('has nothing to say of a miner that is well', () => {
    expect(minerReasons(well)).toEqual([]);
    expect(minerVerdict(well, 'All is well.').level).toBe('ok');
  });

  it.each(table)('says so when %s', (_, change, code, level, text) => {
    const reasons = minerReasons(facts(change));
    expect(reasons.map((reason) => reason.code)).toEqual([code]);
    expect(reasons[0]).toMatchObject({ level, text: expect.stringMatching(text) });
    expect(reasons[0]?.advice).not.toBe('');
  });

  it('does not worry before validators have had the time to dial', () => {
    expect(minerReasons(facts({ serving: { validators: 0, aloneForMs: 60_000 } }))).toEqual([]);
  });

  it('lets one answer go now and then', () => {
    expect(minerReasons(facts({ serving: { lost: 2, answered: 2 } }))).toEqual([]);
    expect(minerReasons(facts({ serving: { lost: 4, answered: 100 } }))).toEqual([]);
  });
});
