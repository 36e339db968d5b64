import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';

import { freePort, hasLoopbackRange } from '#src/cli/demo/ports.ts';
import { openStoreReadOnly } from '#src/store/sqlite.ts';
import { hotkeyOf } from '#test/support/systemNetwork.ts';
import { runningOf, until } from '#test/support/systemProcess.ts';

import { genesisOf, lastBlocks, netuid, witnessUri } from './cast.ts';
import { type ChainLedger, openChainLedger } from './chainLedger.ts';
import { askCommands, readLog } from './evidenceFacts.ts';
import type { RunFacts } from './facts.ts';
import { createRole, type Role } from './roleProcess.ts';
import { openWitness } from './witness.ts';

/** Epochs of 8 s, of which weights have the last 80 %. */
const schedule = { blockTimeMs: 125, tempo: 64, dueAfter: 0.2 } as const;
const patienceMs = 60_000;
/** Whole epochs in which every validator works. */
const epochs = 2;
/** Most of a weight window: the machine may be busy. */
const enoughMs = 4_000;

/** Facts of one validator each, by the name of its bug; `none` has none. */
export type BugFacts = ReadonlyMap<string, RunFacts>;

type Open = {
  readonly dir: string;
  readonly dist: string;
  readonly begun: (() => Promise<void>)[];
  readonly pids: Set<number>;
};

const addRole = (open: Open, name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Role => {
  const { PATH, HOME, TMPDIR, LANG } = process.env;
  const role = createRole({
    name,
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', ...args],
    env: { PATH, HOME, TMPDIR, LANG, ...env },
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
      ...['--tasks-per-round', '4', '--round-deadline-ms', '1500', '--round-interval-ms', '250'],
      ...['--weights-due-after', String(schedule.dueAfter)],
    ],
    bug === 'none' ? {} : { MIAOAI_BUG: bug },
  );

const validatorFacts = async (open: Open, bug: string): Promise<RunFacts['validators'][number]> => {
  const dir = join(open.dir, `data-${bug}`);
  const reading = Effect.scoped(Effect.flatMap(openStoreReadOnly({ dir }), readLog));
  const { log, unreadable, setAside } = await Effect.runPromise(reading);
  const commands = askCommands({ dist: open.dist, commands: [['audit']], place: dir });
  return { hotkey: hotkeyOf(`//${bug}`), log, unreadable, setAside, commands };
};

/** Every validator has been up for the wanted number of whole epochs. */
const untilDone = async (ledger: ChainLedger): Promise<number> => {
  const first = ledger.epoch() + 1;
  const said = () => `epoch ${first + epochs}, the chain is in ${ledger.epoch()}`;
  await until(() => ledger.epoch() >= first, patienceMs, said);
  const fromMs = ledger.blocks().at(-1)?.atMs ?? 0;
  await until(() => ledger.epoch() >= first + epochs, patienceMs, said);
  return fromMs;
};

const play = async (open: Open, bugs: readonly string[]): Promise<BugFacts> => {
  const hasRange = await hasLoopbackRange();
  const { chain, url } = await startChain(
    open,
    bugs.map((bug) => `//${bug}`),
    !hasRange,
  );
  const ledger = await openChainLedger(url);
  open.begun.push(ledger.close);
  const host = hasRange ? '127.0.0.2' : '127.0.0.1';
  const port = await freePort(host);
  const published = { ip: host, port, version: 1 };
  const witness = await openWitness({ uri: witnessUri, chainUrl: url, host, port, published });
  open.begun.push(witness.close);
  const validators = bugs.map((bug) => startValidator(open, url, bug));
  await Promise.all(validators.map((validator) => validator.hears('round.ended', 0, patienceMs)));
  const fromMs = await untilDone(ledger);
  const toMs = ledger.blocks().at(-1)?.atMs ?? 0;
  const ends = await Promise.all(
    validators.map(async (role) => [role.name, await role.stop(patienceMs)] as const),
  );
  await ledger.finish(patienceMs);
  await ledger.close();
  await chain.stop(patienceMs);
  const stillRunning = runningOf([...open.pids]);
  const facts = bugs.map(async (bug): Promise<readonly [string, RunFacts]> => {
    const validator = await validatorFacts(open, bug);
    const isOwn = ({ hotkey }: { readonly hotkey: string }): boolean => hotkey === validator.hotkey;
    return [
      bug,
      {
        witnessHotkey: witness.hotkey,
        validators: [validator],
        witnessed: witness.seen().filter((task) => task.validator === validator.hotkey),
        strayAcks: witness.strays(),
        submissions: ledger.submissions().filter(isOwn),
        blocks: ledger.blocks(),
        outages: [],
        schedule: { ...schedule, lastBlocks, enoughMs, fromMs, toMs },
        processes: {
          stillRunning,
          ends: ends.filter(([name]) => name === bug).map(([name, end]) => ({ name, ...end })),
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
