import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';

import type { ChainWatch } from './demo/chainWatch.ts';
import { revealPeriodEpochs } from './demo/demoGenesis.ts';
import type { DemoStores } from './demo/demoStores.ts';
import type { LogLine } from './demo/processes.ts';
import { awaitSpan } from './demo/span.ts';
import { openStage, type Stage } from './demo/stage.ts';
import { type DemoMiner, formatTable } from './demo/table.ts';
import { type DemoFacts, type DemoResult, problemsOf, type Span, summaryOf } from './demo/verdict.ts';

export type DemoOptions = {
  readonly epochs: number;
  readonly miners: number;
  readonly commitReveal: boolean;
  readonly keep: boolean;
  readonly json: boolean;
  /** URL of a Redis for the state of all daemons. */
  readonly redis?: string;
};

/** Fast blocks: an epoch of 20 s. */
const blockTimeMs = 250;
const tempo = 80;

const integer =
  (minimum: number, maximum: number) =>
  (text: string): number => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`give a whole number from ${minimum} to ${maximum}`);
  };

/** One plain line per step; standard output stays free for the JSON object when that was asked for. */
const narrator = (startedMs: number, isJson: boolean) => {
  const stream = isJson ? process.stderr : process.stdout;
  return (text: string): void => {
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1).padStart(6);
    stream.write(`${seconds} s  ${text}\n`);
  };
};

/** Rounds end twice a second; one line tells of several. */
const roundLineMs = 3_000;

type RoundCounts = { readonly judged?: number; readonly missed?: number; readonly unreachable?: number };

/** Sums up rounds between two lines. */
const roundTeller = (say: (text: string) => void) => {
  let sum = { rounds: 0, judged: 0, missed: 0 };
  let toldMs = -roundLineMs;
  return (name: string, { judged = 0, missed = 0, unreachable = 0 }: RoundCounts): void => {
    sum = {
      rounds: sum.rounds + 1,
      judged: sum.judged + judged,
      missed: sum.missed + missed + unreachable,
    };
    if (performance.now() - toldMs < roundLineMs) return;
    toldMs = performance.now();
    const rounds = sum.rounds === 1 ? '1 round' : `${sum.rounds} rounds`;
    say(`${name}: ${rounds}, ${sum.judged} answers judged, ${sum.missed} missed`);
    sum = { rounds: 0, judged: 0, missed: 0 };
  };
};

/** What a log line is worth saying, null for most. */
const sayingOf = (line: LogLine): string | null => {
  switch (line['event']) {
    case 'dashboard.opened':
      return `page at ${String(line['url'])}`;
    case 'epoch.scored':
      return `epoch ${String(line['epoch'])} scored`;
    case 'weights.confirmed':
      return `weights of epoch ${String(line['epoch'])} stand since block ${String(line['block'])}`;
    case 'weights.committed':
      return `weights of epoch ${String(line['epoch'])} committed, opened by round ${String(line['revealRound'])}`;
    case 'weights.revealed':
      return `weights of epoch ${String(line['epoch'])} revealed by the chain, as they were meant`;
    case 'weights.unrevealed':
    case 'weights.missed':
    case 'weights.refused':
      return `${line['event']} ${JSON.stringify(line['failure'] ?? line['epoch'])}`;
    default:
      return null;
  }
};

const tellLine = (say: (text: string) => void) => {
  const tellRound = roundTeller(say);
  return (name: string, line: LogLine): void => {
    const event = line['event'];
    const summary = line['summary'];
    if (event === 'round.ended' && typeof summary === 'object' && summary !== null) tellRound(name, summary);
    const saying = sayingOf(line);
    if (saying !== null) say(`${name}: ${saying}`);
  };
};

type Earned = { readonly miners: readonly DemoMiner[]; readonly fewestJudged: number };

/** Reads the result back: weight, incentive and emission from the chain, the rest from the validator's evidence. */
const collect = async (options: {
  readonly watch: ChainWatch;
  readonly stage: Stage;
  readonly span: Span;
}): Promise<Earned> => {
  const { identityFromUri } = await import('../keys/identity.ts');
  const { readEvidenceRows } = await import('./demo/evidenceReport.ts');
  const { cast, validatorStore } = options.stage;
  const { first, last } = options.span;
  const chain = await options.watch.rows(cast.map(({ uid }) => uid));
  const evidence = await readEvidenceRows(validatorStore);
  let fewestJudged = Number.POSITIVE_INFINITY;
  const miners = cast.map(({ uid, uri, behaviour }) => {
    const identity = identityFromUri(uri);
    const judged = evidence.get(identity.ok ? identity.value.hotkey : '');
    const onChain = chain.get(uid);
    for (let epoch = first; epoch <= last; epoch += 1) {
      fewestJudged = Math.min(fewestJudged, judged?.judgedByEpoch.get(epoch) ?? 0);
    }
    return {
      uid,
      behaviour,
      tasks: judged?.tasks ?? 0,
      accuracy: judged?.accuracy ?? 0,
      medianMs: judged?.medianMs ?? null,
      trust: judged?.trust ?? 0,
      weight: onChain?.weight ?? 0,
      incentive: onChain?.incentive ?? 0,
      emission: onChain?.emissionAlpha ?? 0,
    };
  });
  return { miners, fewestJudged };
};

/**
 * Rejects at the first signal, whenever it comes. Later ones change nothing: everything is being ended already, and
 * dying before that is done would leave processes and a folder behind.
 */
const watchSignals = (): Promise<never> => {
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => reject(new Error(`stopped by ${signal}`)));
    }
  });
  // It may come while nobody waits for it.
  interrupted.catch(() => {});
  return interrupted;
};

/** What happened in the epochs that count. */
const judge = async (given: {
  readonly options: DemoOptions;
  readonly watch: ChainWatch;
  readonly stage: Stage;
  readonly span: Span;
  readonly startedMs: number;
}): Promise<{ readonly result: DemoResult; readonly problems: readonly string[] }> => {
  const { options, watch, span } = given;
  const { miners, fewestJudged } = await collect(given);
  const inSpan = ({ epoch }: { readonly epoch: number }) => epoch >= span.first && epoch <= span.last;
  // The chain sets revealed weights in a later epoch than the one they were committed in.
  const delayEpochs = options.commitReveal ? revealPeriodEpochs : 0;
  const facts: DemoFacts = {
    epochs: span.last - span.first + 1,
    commitReveal: options.commitReveal,
    block: watch.block(),
    weightsSet: watch
      .weightsSet()
      .map(({ epoch, block, uids, values }) => ({ epoch: epoch - delayEpochs, block, uids, values }))
      .filter(inSpan),
    commits: watch.commits().filter(inSpan),
    reveals: watch.reveals().filter(inSpan),
    miners,
    seconds: Math.round((performance.now() - given.startedMs) / 100) / 10,
  };
  const problems = problemsOf(facts, span, fewestJudged);
  return { result: { ...facts, summary: summaryOf(facts, problems) }, problems };
};

const tellResult = (isJson: boolean, result: DemoResult, problems: readonly string[]): void => {
  if (isJson) process.stdout.write(`${JSON.stringify(result)}\n`);
  else process.stdout.write(`\n${formatTable(result.miners)}\n\n${result.summary}\n`);
  for (const problem of problems) process.stderr.write(`demo: ${problem}\n`);
};

type Kept = { readonly dir: string; readonly stores: DemoStores };

const openDemoStage = ({
  options,
  kept,
  say,
  interrupted,
}: {
  readonly options: DemoOptions;
  readonly kept: Kept;
  readonly say: (text: string) => void;
  readonly interrupted: Promise<never>;
}): Promise<Stage> => {
  const dist = fileURLToPath(new URL('.', import.meta.url));
  return openStage({
    ...kept,
    dist,
    models: join(dist, '..', 'models'),
    miners: options.miners,
    blockTimeMs,
    tempo,
    commitReveal: options.commitReveal,
    onStep: say,
    onLine: tellLine(say),
    interrupted,
  });
};

/** With this very Node and program, so that it works wherever they are. */
const statusCommandOf = (dataDir: string): string =>
  `${process.execPath} ${fileURLToPath(new URL('./cli.js', import.meta.url))} status --link --data-dir ${dataDir}`;

const perform = async (options: DemoOptions, kept: Kept, interrupted: Promise<never>): Promise<number> => {
  const startedMs = performance.now();
  const say = narrator(startedMs, options.json);
  const { watchChain } = await import('./demo/chainWatch.ts');
  const stage = await openDemoStage({ options, kept, say, interrupted });
  const unlessInterrupted = <A>(work: Promise<A>): Promise<A> => Promise.race([interrupted, work]);
  try {
    const watch = await unlessInterrupted(watchChain(stage.url));
    const span = await unlessInterrupted(awaitSpan({ watch, stage, say, ...options }));
    const { result, problems } = await unlessInterrupted(judge({ options, watch, stage, span, startedMs }));
    await watch.close();
    const isStaying = options.keep && !options.json;
    if (isStaying) {
      tellResult(options.json, result, problems);
      say('everything runs on until Ctrl-C; from a second terminal:');
      for (const name of ['validator', 'miner-1'])
        process.stdout.write(`  ${statusCommandOf(join(kept.dir, name))}\n`);
      await Promise.race([stage.collapsed, interrupted.catch(() => 'interrupted')]);
    }
    say('ending all processes');
    await stage.close();
    if (!isStaying) tellResult(options.json, result, problems);
    return problems.length === 0 ? 0 : 1;
  } finally {
    await stage.close();
  }
};

/** Removes what the demo wrote, or says where it is. */
const putAway = async (options: DemoOptions, { dir, stores }: Kept): Promise<void> => {
  if (options.keep) {
    process.stderr.write(
      `kept: ${[dir, ...stores.owners().map((owner) => `--owner ${owner}`)].join('\n      ')}\n`,
    );
    return;
  }
  rmSync(dir, { recursive: true, force: true });
  await stores.remove().catch((error: unknown) => {
    process.stderr.write(
      `demo: its keys stay in Redis: ${error instanceof Error ? error.message : String(error)}\n`,
    );
  });
};

/** `miaoai demo`: the whole network on one machine, for a few epochs. */
export const demoCommand = (): Command =>
  new Command('demo')
    .description(
      'run a chain, a validator and miners on this machine for a few epochs, then show who earned what',
    )
    .option('--epochs <count>', 'epochs to run', integer(1, 100), 2)
    .option('--miners <count>', 'miners: honest, honest, slow, nonsense, and over again', integer(4, 64), 4)
    .option('--commit-reveal', 'weights are committed encrypted, and revealed by the chain', false)
    .option(
      '--keep',
      'run on after these epochs until Ctrl-C (not with --json), and keep the folder with logs, genesis and evidence',
      false,
    )
    .option('--redis <url>', 'keep the state of all daemons in this Redis, under keys of its own')
    .option('--json', 'print one JSON object as the last line of standard output', false)
    .action(async (options: DemoOptions) => {
      const interrupted = watchSignals();
      const dir = mkdtempSync(join(tmpdir(), 'miaoai-demo-'));
      const { openDemoStores } = await import('./demo/demoStores.ts');
      const stores = await openDemoStores(options.redis ?? null);
      try {
        process.exitCode = await perform(options, { dir, stores }, interrupted);
      } catch (error) {
        process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
        process.exitCode = 1;
      } finally {
        await putAway(options, { dir, stores });
      }
      process.exit();
    });
