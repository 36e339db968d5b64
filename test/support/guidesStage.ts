import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve, sep } from 'node:path';

import { freePort } from '#src/cli/demo/ports.ts';
import { findInOrder, type GuideBlock, linesOf } from './guides.ts';
import { endTyped, type Typed, typeInto } from './guidesShell.ts';
import { freshDist, repository } from './systemBuild.ts';
import { until } from './systemProcess.ts';

/** A folder and a home of their own, in which the commands of the guides are typed one after the other. */
export type GuidesStage = {
  readonly dir: string;
  readonly chainUrl: string;
  /** Does what the mark of a block says; fails with the place of the block. */
  readonly perform: (block: GuideBlock) => Promise<void>;
  /** Everything a process in the background has said so far. */
  readonly said: (name: string) => readonly string[];
  readonly dispose: () => Promise<void>;
};

type Ports = { readonly chain: number; readonly miner: number; readonly secondMiner: number };

type Place = { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly ports: Ports };

/** `told`: up to this line the guides have told what it says. */
type Background = { readonly typed: Typed; readonly told: number };

type Done = { readonly backgrounds: Map<string, Background>; last: readonly string[] };

/** Of one command; registering waits for a finalized block. */
const commandPatienceMs = 60_000;
/** Of one block of output: weights are set once per epoch. */
const outputPatienceMs = 120_000;
const endPatienceMs = 20_000;

/** The port that the guide of the miner gives to a second miner. */
const secondMinerPort = '8092';

const programs = { miaoai: 'cli', 'miaoai-validator': 'validator', 'miaoai-miner': 'miner' };

/** Folders and files of the package, as its tarball has them. */
const packedFiles = (): readonly string[] => {
  const { files }: { readonly files: readonly string[] } = JSON.parse(
    readFileSync(join(repository, 'package.json'), 'utf8'),
  );
  return files.filter((file) => !file.startsWith('!') && file !== 'dist');
};

/**
 * What an installation from the tarball would put there: the files of the package, and packages beside them. Returns
 * the folder of its programs.
 */
const installInto = (root: string, dist: string, { chain }: Ports): string => {
  const [home, bin] = [join(root, 'package'), join(root, 'bin')];
  for (const folder of [home, bin]) mkdirSync(folder);
  for (const file of [...packedFiles(), 'package.json', 'node_modules']) {
    if (existsSync(join(repository, file))) symlinkSync(join(repository, file), join(home, file));
  }
  // A copy: programs find what belongs to them beside their own file.
  cpSync(dist, join(home, 'dist'), { recursive: true, filter: (path) => !path.endsWith('.map') });
  for (const [name, entry] of Object.entries(programs)) {
    const file = join(home, 'dist', `${entry}.js`);
    // The usual port of a chain may be taken on this machine.
    const moved = entry === 'cli' ? `[ "$1" = devnet ] && set -- "$@" --port ${chain}\n` : '';
    const run = `exec '${process.execPath}' --disable-warning=ExperimentalWarning '${file}' "$@"\n`;
    writeFileSync(join(bin, name), `#!/bin/sh\n${moved}${run}`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
};

const tailOf = (lines: readonly string[]): string => lines.slice(-12).join('\n');

const writeFileOf = ({ cwd }: Place, { place, text, mark }: GuideBlock): void => {
  const path = resolve(cwd, mark?.value ?? '');
  if (!path.startsWith(cwd + sep)) throw new Error(`${place}: ${path} is outside of the folder`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};

const start = (place: Place, { text }: GuideBlock): Typed =>
  typeInto(text.replaceAll(secondMinerPort, String(place.ports.secondMiner)), {
    cwd: place.cwd,
    env: place.env,
  });

const runToEnd = async (place: Place, done: Done, block: GuideBlock): Promise<void> => {
  const typed = start(place, block);
  const timer = setTimeout(() => typed.signal('SIGKILL'), commandPatienceMs);
  const code = await typed.ended;
  clearTimeout(timer);
  done.last = typed.lines;
  if (code !== 0) throw new Error(`${block.place}: ended with code ${code}\n${tailOf(typed.lines)}`);
};

const expectLast = ({ last }: Done, block: GuideBlock): void => {
  const found = findInOrder(linesOf(block), last, 0);
  if ('missing' in found) throw new Error(`${block.place}: not said: ${found.missing}\n${tailOf(last)}`);
};

const expectOf = async (name: string, { backgrounds }: Done, block: GuideBlock): Promise<void> => {
  const { place } = block;
  const background = backgrounds.get(name);
  if (background === undefined) throw new Error(`${place}: nothing that runs is called ${name}`);
  const { typed, told } = background;
  const look = () => findInOrder(linesOf(block), typed.lines, told);
  const missing = (): string => {
    const found = look();
    return `${place}: ${'missing' in found ? found.missing : ''}\n${tailOf(typed.lines)}`;
  };
  await until(() => 'end' in look() || typed.isOver(), outputPatienceMs, missing);
  const found = look();
  if ('missing' in found) throw new Error(`it has ended without ${missing()}`);
  backgrounds.set(name, { typed, told: found.end });
};

const performIn = async (place: Place, done: Done, block: GuideBlock): Promise<void> => {
  const { mark } = block;
  switch (mark?.kind) {
    case 'run':
      return runToEnd(place, done, block);
    case 'background':
      done.backgrounds.set(mark.value, { typed: start(place, block), told: 0 });
      return;
    case 'file':
      return writeFileOf(place, block);
    case 'output':
      return mark.value === 'last' ? expectLast(done, block) : expectOf(mark.value, done, block);
    default:
      return;
  }
};

const environment = (bin: string, home: string, ports: Ports): NodeJS.ProcessEnv => ({
  PATH: [bin, dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
  HOME: home,
  LANG: process.env['LANG'],
  // What a person at a terminal sees.
  MIAOAI_LOG_FORMAT: 'pretty',
  // Ports that are free here in place of the usual ones.
  BT_SUBTENSOR_CHAIN_ENDPOINT: `ws://127.0.0.1:${ports.chain}`,
  AXON_PORT: String(ports.miner),
  MIAOAI_DASHBOARD_PORT: '0',
});

export const openGuidesStage = async (): Promise<GuidesStage> => {
  const dist = await freshDist();
  const port = (): Promise<number> => freePort('0.0.0.0');
  const ports = { chain: await port(), miner: await port(), secondMiner: await port() };
  const root = mkdtempSync(join(tmpdir(), 'miaoai-guides-'));
  const [cwd, home] = [join(root, 'folder'), join(root, 'home')];
  for (const folder of [cwd, home]) mkdirSync(folder);
  const place = { cwd, env: environment(installInto(root, dist, ports), home, ports), ports };
  const done: Done = { backgrounds: new Map(), last: [] };
  return {
    dir: cwd,
    chainUrl: `ws://127.0.0.1:${ports.chain}`,
    perform: (block) => performIn(place, done, block),
    said: (name) => done.backgrounds.get(name)?.typed.lines ?? [],
    dispose: async () => {
      // Those that were started last go first: the chain goes when nobody asks it any more.
      for (const { typed } of [...done.backgrounds.values()].toReversed()) {
        await endTyped(typed, endPatienceMs);
      }
      rmSync(root, { recursive: true, force: true });
    },
  };
};
