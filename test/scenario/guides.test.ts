import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type ChainWatch, watchChain } from '#src/cli/demo/chainWatch.ts';
import { hasLoopbackRange } from '#src/cli/demo/ports.ts';
import { blocksOf, isShell, markProblem } from '#test/support/guides.ts';
import { type GuidesStage, openGuidesStage } from '#test/support/guidesStage.ts';
import { repository } from '#test/support/systemBuild.ts';
import { until } from '#test/support/systemProcess.ts';

/**
 * The guides, read by somebody who types every command that can run here, in order, into a clean folder with a clean
 * home. What the guides print is what the programs have to say.
 */

/** The guide of the miner goes on where that of the validator ends. */
const guides = ['docs/running_validator.md', 'docs/running_miner.md'];
const blocks = guides.flatMap((name) => blocksOf(name, readFileSync(join(repository, name), 'utf8')));
const commands = blocks.filter(isShell);

const patienceMs = 90_000;
const storyLimitMs = 300_000;

/** In the order of the genesis file. */
const uids = { validator: 0, miner: 1 };

type Told = {
  readonly validator: readonly string[];
  readonly miners: readonly (readonly string[])[];
  readonly weights: ReturnType<ChainWatch['weightsSet']>;
};

/** Flags that a daemon is given in the guides; its command may go on over several lines. */
const daemonFlags = (text: string): readonly string[] =>
  [...text.replaceAll('\\\n', ' ').matchAll(/^\s*miaoai-(?:validator|miner)\b([^\n|;&]*)/gm)].flatMap(
    ([, rest]) => [...(rest ?? '').matchAll(/\s--(?:no-)?([a-z][a-z-]+)/g)].map(([, flag]) => `--${flag}`),
  );

describe('scenario / the guides', () => {
  it('say of every command whether it runs here, and why not', () => {
    expect(blocks.flatMap((block) => markProblem(block) ?? [])).toEqual([]);
  });

  it('have commands of every kind', () => {
    const kinds = new Set(blocks.map(({ mark }) => mark?.kind));
    expect([...kinds]).toEqual(
      expect.arrayContaining(['run', 'background', 'installed', 'elsewhere', 'file', 'output']),
    );
    expect(commands.filter(({ mark }) => mark?.kind === 'background').length).toBeGreaterThanOrEqual(4);
  });

  it('explain every reason that a verdict can name', () => {
    const folder = join(repository, 'src', 'domain', 'view');
    const codes = readdirSync(folder).flatMap((file) =>
      [...readFileSync(join(folder, file), 'utf8').matchAll(/\bcode: '([a-z]+\.[a-zA-Z]+)'/g)].map(
        ([, code]) => code ?? '',
      ),
    );
    expect(codes.length).toBeGreaterThan(30);
    const text = guides.map((name) => readFileSync(join(repository, name), 'utf8')).join('\n');
    expect(codes.filter((code) => !text.includes(`\`${code}\``))).toEqual([]);
  });

  it('name flags and files that exist', () => {
    const configuration = readFileSync(join(repository, 'docs', 'configuration.md'), 'utf8');
    const flags = commands.flatMap(({ text }) => daemonFlags(text));
    expect(flags.length).toBeGreaterThan(10);
    expect(flags.filter((flag) => !configuration.includes(`| \`${flag}\` |`))).toEqual([]);
    const files = commands.flatMap(({ text }) => text.match(/(?<![\w./-])ops\/[\w./-]+/g) ?? []);
    expect(files.length).toBeGreaterThan(3);
    expect(files.filter((file) => !existsSync(join(repository, file)))).toEqual([]);
  });
});

// The guides put miners on 127.0.0.2 and 127.0.0.3; macOS has to be given those first.
const isPossible = await hasLoopbackRange();

describe.runIf(isPossible)('scenario / the guides, typed', () => {
  let stage: GuidesStage | undefined;
  let watch: ChainWatch | undefined;
  let told: Told;

  beforeAll(async () => {
    stage = await openGuidesStage();
    const { perform, said, chainUrl } = stage;
    for (const block of blocks) {
      await perform(block);
      // From the moment on at which the chain says where it is: what is set later is then seen at once.
      if (block.mark?.kind === 'output' && block.mark.value === 'chain') watch = await watchChain(chainUrl);
    }
    const seen = (): ReturnType<ChainWatch['weightsSet']> => watch?.weightsSet() ?? [];
    const isWeighed = (): boolean => seen().some(({ uids: weighed }) => weighed.includes(uids.miner));
    await until(isWeighed, patienceMs, () => `weights on chain; ${said('validator').slice(-5).join('\n')}`);
    told = {
      validator: said('validator'),
      miners: [said('miner'), said('second-miner')],
      weights: seen(),
    };
  }, storyLimitMs);
  afterAll(async () => {
    await watch?.close();
    await stage?.dispose();
  }, 90_000);

  it('bring validator and miners together', () => {
    for (const lines of told.miners) {
      expect(lines.filter((line) => line.includes(' validator.arrived '))).not.toEqual([]);
    }
  });

  it('have the answers of both miners judged', () => {
    const rounds = told.validator.filter((line) => line.includes(' round.ended '));
    expect(rounds.some((line) => line.includes('"dispatched":8,"judged":8'))).toBe(true);
  });

  it('put weights on chain', () => {
    const ofMiner = told.weights.filter(({ uids: weighed }) => weighed.includes(uids.miner));
    expect(ofMiner).not.toEqual([]);
    for (const { validator, values } of ofMiner) {
      expect(validator).toBe(uids.validator);
      expect(Math.max(...values)).toBe(65_535);
    }
  });

  it('end without an error in any log', () => {
    const all = [...told.validator, ...told.miners.flat()];
    expect(all.filter((line) => /^\[[\d:.]+\] (ERROR|FATAL):/.test(line))).toEqual([]);
  });
});
