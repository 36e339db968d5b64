import { benchCommand } from '#test/support/benchCommand.ts';
import { runInspectorBench } from '#test/support/benchInspector.ts';

/**
 * `npm run bench -- inspector [--json]`: what following a system costs it. Progress goes to standard error; with
 * `--json` the last line of standard output is one JSON object. See docs/benchmarks.md.
 */

/** The whole run takes about a minute and a half; a hanging one ends here. */
const maxRunMs = 180_000;

const { tell, conclude } = benchCommand(maxRunMs);

const result = await runInspectorBench({
  sessions: 256,
  eventsPerTurn: 1_024,
  warmUps: 10,
  turns: 20,
  // Many and short: where a system happens to lie in memory says more than how long it is measured.
  repetitions: 21,
  onProgress: tell,
});

const percent = (ratio: number): string => `${((ratio - 1) * 100).toFixed(1)} %`;
tell(
  `an event costs ${result.microsPerEvent['without']} µs without the feed; without a viewer ` +
    `${percent(result.ratios.unwatched)} more, with one ${percent(result.ratios.watched)} more`,
);
conclude(result);
