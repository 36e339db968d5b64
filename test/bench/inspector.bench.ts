import { parseArgs } from 'node:util';

import { runInspectorBench } from '#test/support/benchInspector.ts';

/**
 * `npm run bench -- inspector [--json]`: what following a system costs it. Progress goes to standard error; with
 * `--json` the last line of standard output is one JSON object. See docs/benchmarks.md.
 */

/** The whole run takes about half a minute; a hanging one ends here. */
const maxRunMs = 180_000;

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });

const tell = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

setTimeout(() => {
  tell(`the benchmark did not end within ${maxRunMs / 1_000} s`);
  process.exit(1);
}, maxRunMs).unref();

const result = await runInspectorBench({
  sessions: 256,
  eventsPerTurn: 1_024,
  warmUps: 10,
  turns: 30,
  repetitions: 9,
  onProgress: tell,
});

const percent = (ratio: number): string => `${((ratio - 1) * 100).toFixed(1)} %`;
tell(
  `an event costs ${result.microsPerEvent['without']} µs without the feed; without a viewer ` +
    `${percent(result.ratios.unwatched)} more, with one ${percent(result.ratios.watched)} more`,
);
if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
