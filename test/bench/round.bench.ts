import { benchCommand } from '#test/support/benchCommand.ts';
import { runRoundBench } from '#test/support/benchRound.ts';

/**
 * `npm run bench -- round [--json]`: one round of 256 miners against the same load one by one. Progress goes to
 * standard error; with `--json` the last line of standard output is one JSON object. See docs/benchmarks.md.
 */

/** The whole run takes about 75 seconds; a hanging one ends here. */
const maxRunMs = 180_000;

const { tell, conclude } = benchCommand(maxRunMs);

const result = await runRoundBench({
  seed: 'miaoai round bench 1',
  miners: 256,
  deadShare: 0.1,
  deadlineMs: 10_000,
  tasks: 4,
  warmUps: 2,
  rounds: 5,
  processes: 1,
  sample: { answering: 32, dead: 1 },
  onProgress: tell,
});

const { addedLatencyMs, ratio, ratioOverBound, fanoutSeconds, sequentialSeconds } = result;
tell(
  `a round takes ${fanoutSeconds} s, one by one ${sequentialSeconds} s: ${ratio} times faster, ` +
    `${ratioOverBound} of the bound; added latency p50 ${addedLatencyMs.p50} ms, p99 ${addedLatencyMs.p99} ms`,
);
conclude(result);
