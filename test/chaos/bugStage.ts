import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';

import { freePort, hasLoopbackRange } from '#src/cli/demo/ports.ts';
import { openStoreReadOnly } from '#src/store/sqlite.ts';
import { cleanEnv } from '#test/support/processOutput.ts';
import { hotkeyOf } from '#test/support/systemNetwork.ts';
import { runningOf, until } from '#test/support/systemProcess.ts';

import { genesisOf, lastBlocks, netuid, witnessUri } from './cast.ts';
import { type ChainLedger, openChainLedger } from './chainLedger.ts';
import { askCommands, readLog } from './evidenceFacts.ts';
import type { RunFacts, ValidatorFacts } from './facts.ts';
import { openPulse, type Pulse } from './pulse.ts';
import { createRole, type Role } from './roleProcess.ts';
import { owedEpochs } from './schedule.ts';
import { openWitness } from './witness.ts';

/** Epochs of 12 s, of which weights have the last 80 %. */
const schedule = { blockTimeMs: 250, tempo: 48, dueAfter: 0.2 } as const;
const patienceMs = 60_000;
/** Seconds on a machine that has nothing else to do. */
const shownPatienceMs = 150_000;
/** Of a weight window of 34 blocks: 4 s, and more where the machine is slow. */
const enoughBlocks = 16;
/** Each seventh verdict is treated wrongly: so many give several. */
const enoughVerdicts = 28;

/** Facts of one validator each, by the name of its bug; `none` has none. */
export type BugFacts = ReadonlyMap<string, RunFacts>;

type Open = {
  readonly dir: string;
  readonly dist: string;
  readonly begun: (() => Promise<void>)[];
  readonly pids: Set<number>;
};

const addRole = (open: Open, name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Role => {
  const role = createRole({
    name,
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', ...args],
    env: cleanEnv(env),
    logDir: open.dir,
    onGroup: (pid) => open.pids.add(pid),
    onUnaskedEnd: () => {},
    mayStart: () => true,
  });
  open.begun.push(() => role.kill());
  role.start();
  return role;
};

const startChain = async (open: Open, uris: readonly string[], allowLoopbackAxon: boolean) => {
  const genesis = join(open.dir, 'genesis.json');
  writeFileSync(
    genesis,
    JSON.stringify(genesisOf({ validators: uris, miners: 0, allowLoopbackAxon, ...schedule })),
  );
  const port = await freePort('127.0.0.1');
  const args = ['devnet', '--genesis', genesis, '--port', String(port), '--archive'];
  const chain = addRole(open, 'chain', [join(open.dist, 'cli.js'), ...args]);
  await chain.hears('devnet.listening', 0, patienceMs);
  return { chain, url: `ws://127.0.0.1:${port}` };
};

const startValidator = (open: Open, url: string, bug: string): Role =>
  addRole(
    open,
    bug,
    [
      join(open.dist, 'validator.js'),
      ...['--chain-endpoints', url, '--network', 'local', '--netuid', String(netuid)],
      ...['--hotkey-uri', `//${bug}`, '--data-dir', join(open.dir, `data-${bug}`), '--log-format', 'json'],
      ...['--tasks-per-round', '4', '--round-deadline-ms', '3000', '--round-interval-ms', '750'],
      ...['--weights-due-after', String(schedule.dueAfter)],
    ],
    bug === 'none' ? {} : { MIAOAI_BUG: bug },
  );

const storeFacts = async (open: Open, bug: string): Promise<Omit<ValidatorFacts, 'journals'>> => {
  const dir = join(open.dir, `data-${bug}`);
  const reading = Effect.scoped(Effect.flatMap(openStoreReadOnly({ dir }), readLog));
  const { log, unreadable, setAside } = await Effect.runPromise(reading);
  const commands = askCommands({ dist: open.dist, commands: [['audit']], place: dir });
  return { hotkey: hotkeyOf(`//${bug}`), log, unreadable, setAside, commands };
};

type Watched = {
  readonly ledger: ChainLedger;
  readonly pulse: Pulse;
  readonly validators: readonly Role[];
  readonly fromMs: number;
};

/** What is judged of a validator as far as it can be seen from outside, now or at the end. */
const outsideFacts = ({ ledger, pulse, fromMs }: Watched, hotkey: string) => ({
  submissions: ledger.submissions().filter((one) => one.hotkey === hotkey),
  blocks: ledger.blocks(),
  outages: [],
  stalls: pulse.stalls(),
  schedule: { ...schedule, lastBlocks, enoughBlocks, fromMs, toMs: ledger.blocks().at(-1)?.atMs ?? 0 },
});

const judgedBy = (role: Role): number =>
  role
    .heard('round.ended')
    .map(({ line }): { readonly judged?: number } => Object(line['summary']))
    .reduce((sum, { judged = 0 }) => sum + judged, 0);

/** What a validator has not shown yet of that by which it is judged; null when it has shown everything. */
const lackOf = (watched: Watched, role: Role): string | null => {
  const facts = outsideFacts(watched, hotkeyOf(`//${role.name}`));
  const epochs = Map.groupBy(facts.submissions, ({ epoch }) => epoch);
  if (judgedBy(role) < enoughVerdicts) return `${enoughVerdicts} verdicts`;
  const journals = [role.journal()];
  const scored = role.heard('epoch.scored').filter(({ line }) => Number(line['weights']) > 0);
  const withWeights = new Set(scored.map(({ line }) => line['epoch']));
  if (!owedEpochs(facts, { journals, log: [] }).some(({ epoch }) => withWeights.has(epoch))) {
    const some = { ...facts, schedule: { ...facts.schedule, enoughBlocks: 1 } };
    const free = owedEpochs(some, { journals, log: [] }).map(
      ({ epoch, freeBlocks }) => `${freeBlocks} in ${epoch}`,
    );
    return `an epoch with ${enoughBlocks} free blocks for weights (${free.join(', ')}; ${facts.stalls.length} stalls, block ${facts.blocks.length})`;
  }
  const isSecond = role.name === 'secondSubmission' && ![...epochs.values()].some(({ length }) => length > 1);
  return isSecond ? 'a second submission' : null;
};

/** Every validator has shown what it does: how long that takes is a matter of the machine. */
const untilShown = async (watched: Watched): Promise<void> => {
  const lacks = (): readonly string[] =>
    watched.validators.flatMap((role) => {
      const lack = lackOf(watched, role);
      return lack === null ? [] : [`${role.name}: ${lack}`];
    });
  await until(
    () => lacks().length === 0,
    shownPatienceMs,
    () => lacks().join(', '),
  );
};

const play = async (open: Open, bugs: readonly string[]): Promise<BugFacts> => {
  const hasRange = await hasLoopbackRange();
  const { chain, url } = await startChain(
    open,
    bugs.map((bug) => `//${bug}`),
    !hasRange,
  );
  const pulse = openPulse();
  open.begun.push(async () => pulse.close());
  const ledger = await openChainLedger(url);
  open.begun.push(ledger.close);
  const host = hasRange ? '127.0.0.2' : '127.0.0.1';
  const port = await freePort(host);
  const published = { ip: host, port, version: 1 };
  const witness = await openWitness({ uri: witnessUri, chainUrl: url, host, port, published });
  open.begun.push(witness.close);
  const validators = bugs.map((bug) => startValidator(open, url, bug));
  await Promise.all(validators.map((validator) => validator.hears('round.ended', 0, patienceMs)));
  const watched = { ledger, pulse, validators, fromMs: ledger.blocks().at(-1)?.atMs ?? 0 };
  await untilShown(watched);
  // They are judged until they are told to end.
  const { schedule: worked } = outsideFacts(watched, '');
  const ends = await Promise.all(
    validators.map(async (role) => [role.name, await role.stop(patienceMs)] as const),
  );
  await ledger.finish(patienceMs);
  await ledger.close();
  await chain.stop(patienceMs);
  const stillRunning = runningOf([...open.pids]);
  const facts = validators.map(async (role): Promise<readonly [string, RunFacts]> => {
    const validator = { ...(await storeFacts(open, role.name)), journals: [role.journal()] };
    const { hotkey } = validator;
    return [
      role.name,
      {
        ...outsideFacts(watched, hotkey),
        schedule: worked,
        witnessHotkey: witness.hotkey,
        validators: [validator],
        witnessed: witness.seen().filter((task) => task.validator === hotkey),
        strayAcks: witness.strays(),
        processes: {
          stillRunning,
          ends: ends.filter(([name]) => name === role.name).map(([name, end]) => ({ name, ...end })),
          peaks: [],
        },
        notRecovered: [],
      },
    ];
  });
  return new Map(await Promise.all(facts));
};

/** Runs one validator per bug beside each other, over the same chain and against the same witness, and reads back what they did. */
export const playBugs = async (dist: string, bugs: readonly string[]): Promise<BugFacts> => {
  const open: Open = {
    dir: mkdtempSync(join(tmpdir(), 'miaoai-bugs-')),
    dist,
    begun: [],
    pids: new Set(),
  };
  mkdirSync(open.dir, { recursive: true });
  try {
    return await play(open, bugs);
  } finally {
    for (const end of open.begun.splice(0).reverse()) await end().catch(() => {});
    rmSync(open.dir, { recursive: true, force: true });
  }
};
