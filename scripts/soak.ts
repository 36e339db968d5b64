/**
 * `npm run soak -- --minutes N [--store embedded|redis] [--json]`: real processes, rounds as quick as they can be, miners
 * that come and go; every ten seconds each process says what it holds. Ends with a table, and with `--json` with one JSON
 * object as the last line of standard output. docs/benchmarks.md says what counts as flat.
 *
 * Exit codes: 0 nothing grows, 1 something does, 2 wrong arguments, 3 no redis-server.
 */
import { parseArgs } from 'node:util';

import { hasRedis, missingRedis } from '#test/support/redisServer.ts';
import { runSoak, type SoakFinding } from '#test/support/soakRun.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    store: { type: 'string', default: 'embedded' },
    json: { type: 'boolean', default: false },
  },
});
const tell = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
const leave = (message: string, code: number): never => {
  tell(message);
  process.exit(code);
};

const minutes = Number(values.minutes);
if (!(minutes >= 1 && minutes <= 10_000)) leave('--minutes is a number from 1 to 10000', 2);
const { store } = values;
if (store !== 'embedded' && store !== 'redis') leave('--store is embedded or redis', 2);
if (store === 'redis' && !hasRedis) leave(missingRedis, 3);

const rounded = (value: number): number => Number(value.toPrecision(4));
const shown = (figure: string, value: number): string =>
  figure.endsWith('Bytes') ? `${(value / 1_048_576).toFixed(2)} MiB` : String(rounded(value));

const row = ({ process: name, figure, median, growth, bound, isFlat }: SoakFinding): string =>
  [
    name.padEnd(10),
    figure.padEnd(14),
    shown(figure, median).padStart(12),
    shown(figure, growth).padStart(12),
    shown(figure, bound).padStart(12),
    isFlat ? 'flat' : 'GROWS',
  ].join('  ');

const result = await runSoak({ minutes, store: store === 'redis' ? 'redis' : 'embedded', onProgress: tell });
const { rounds, epochs, churn, findings } = result;
const heads = ['process'.padEnd(10), 'figure'.padEnd(14), 'median'.padStart(12), 'growth'.padStart(12)];
process.stdout.write(`${[...heads, 'bound'.padStart(12)].join('  ')}\n${findings.map(row).join('\n')}\n`);
process.stdout.write(
  `${rounds} rounds, ${epochs} epochs, ${churn.minersStopped} miners stopped, ${churn.linksCut} links cut\n`,
);
const growing = findings.filter(({ isFlat }) => !isFlat);
if (values.json) {
  const figures = findings.map((finding) => ({
    ...finding,
    median: rounded(finding.median),
    slopePerMinute: rounded(finding.slopePerMinute),
    growth: rounded(finding.growth),
    bound: rounded(finding.bound),
  }));
  process.stdout.write(
    `${JSON.stringify({ soak: 'miaoai', minutes, store, isFlat: growing.length === 0, rounds, epochs, churn, figures })}\n`,
  );
}
process.exit(growing.length === 0 ? 0 : 1);
