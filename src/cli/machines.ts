import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { commandExitCodes } from '../exitCodes.ts';
import type { Chart } from '../inspector/chart.ts';
import type { Layout } from '../inspector/layout.ts';
import { mermaidOf } from '../inspector/mermaid.ts';
import { svgOf } from '../inspector/svg.ts';
import { makeFolder } from '../keys/folders.ts';
import { badSettings, concluding, done, type Ending, failed } from './ending.ts';

const formats = ['mermaid', 'svg', 'json'] as const;
type Format = (typeof formats)[number];

const extensions: Readonly<Record<Format, string>> = { mermaid: 'mmd', svg: 'svg', json: 'json' };

/** A statechart as the build wrote it. */
type Drawn = { readonly chart: Chart; readonly layout: Layout };

/** Beside the program, or in the build's folder where the sources run by themselves. */
const chartFolders = ['./charts/', '../../dist/charts/'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

const textOf: Readonly<Record<Format, (drawn: Drawn) => string>> = {
  mermaid: ({ chart }) => mermaidOf(chart),
  svg: ({ chart, layout }) => svgOf(chart, layout),
  json: (drawn) => `${JSON.stringify(drawn, null, 2)}\n`,
};

const chartNames = async (folder: string): Promise<readonly string[]> => {
  try {
    return (await readdir(folder)).filter((name) => /^[A-Za-z]+\.json$/.test(name)).toSorted();
  } catch {
    return [];
  }
};

const readCharts = async (folders: readonly string[]): Promise<readonly Drawn[]> => {
  for (const folder of folders) {
    const names = await chartNames(folder);
    if (names.length === 0) continue;
    return Promise.all(
      names.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as Drawn),
    );
  }
  return [];
};

const writeInto = async (out: string, format: Format, drawn: readonly Drawn[]): Promise<Ending> => {
  const files = drawn.map((one) => ({
    path: join(out, `${one.chart.id}.${extensions[format]}`),
    text: textOf[format](one),
  }));
  try {
    await makeFolder(out, 0o777);
    for (const { path, text } of files) await writeFile(path, text);
  } catch (cause) {
    return failed(
      commandExitCodes.failed,
      `cannot write into ${out}: ${String(cause)}; name another folder with --out`,
    );
  }
  const paths = files.map(({ path }) => path);
  return done(paths.join('\n'), { files: paths });
};

export type MachinesExport = {
  readonly format: Format;
  readonly machine?: string | undefined;
  readonly out?: string | undefined;
  /** Where the charts of the build are looked for, in this order. */
  readonly folders?: readonly string[];
};

/** Statecharts of the machines of this version, to standard output or as one file each. */
export const exportMachines = async (given: MachinesExport): Promise<Ending> => {
  const { format, machine, out, folders = chartFolders } = given;
  const all = await readCharts(folders);
  if (all.length === 0) {
    const where = folders.join(' or ');
    return failed(commandExitCodes.failed, `no statecharts in ${where}: build them with \`npm run build\``);
  }
  const drawn = machine === undefined ? all : all.filter(({ chart }) => chart.id === machine);
  const known = all.map(({ chart }) => chart.id).join(', ');
  if (drawn.length === 0) return badSettings(`no machine ${machine}: there are ${known}`);
  if (out !== undefined) return writeInto(resolve(out), format, drawn);
  const [one] = drawn;
  if (format === 'json') return done(JSON.stringify(machine === undefined ? drawn : one, null, 2), null);
  if (one === undefined || drawn.length > 1) {
    return badSettings(
      `${format} of several machines needs a folder: give --out <dir>, or --machine with one of ${known}`,
    );
  }
  return done(textOf[format](one).trimEnd(), null);
};

/** `miaoai machines`: the state machines as a reader wants them. */
export const machinesCommand = (): Command =>
  new Command('machines').description('the state machines of validator and miner').addCommand(
    new Command('export')
      .description('write statecharts, as text, as pictures or as data')
      .addOption(new Option('--format <format>', 'what to write').choices(formats).default('mermaid'))
      .option('--machine <id>', 'only this one; to standard output unless --out is given')
      .option('--out <dir>', 'folder for one file for each machine; made where it is missing')
      .action((flags: MachinesExport) => concluding(exportMachines(flags), false)),
  );
