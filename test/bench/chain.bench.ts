import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  measureDaemon,
  measurePeer,
  measureSigning,
  median,
  round,
  startNode,
} from '#test/support/benchChain.ts';
import type { PeerReport } from '#test/support/benchChainPeer.ts';
import { NEURONS, VALIDATORS } from '#test/support/benchChainSubnet.ts';
import { benchCommand } from '#test/support/benchCommand.ts';
import {
  fullSubnet,
  measureBlocks,
  measureMemory,
  measureMetagraphReads,
  startBenchDevnet,
} from '#test/support/benchDevnet.ts';

/**
 * `npm run bench -- chain [--json]`: the chain client against the unmodified `@polkadot/api` on the same node, and the
 * embedded chain at full size. With `--json` the last line of standard output is one JSON object. `--memory` measures
 * the embedded chain's heap over many blocks instead. See docs/benchmarks.md.
 */

/** The whole run takes about a minute, that of `--memory` too; a hanging one ends here. */
const maxRunMs = 400_000;
const blockTimeMs = 250;
const reads = 20;
const repeats = 3;
const epochs = 7;
/** More than twice the blocks that the chain remembers. */
const memoryBlocks = 50_000;
const mainnetTempoBlocks = 360;

const { has, tell, conclude } = benchCommand(maxRunMs, ['memory']);

/** The embedded chain with blocks made on request, in this process. */
const measureEmbedded = async () => {
  const devnet = await startBenchDevnet(fullSubnet);
  try {
    const { epochMs, plainMs } = measureBlocks(devnet, epochs);
    return {
      epochBlockMs: round(median(epochMs)),
      blockMs: round(median(plainMs), 2),
      metagraphMs: round(median(measureMetagraphReads(devnet, reads))),
    };
  } finally {
    await devnet.stop();
  }
};

/** Heap of a full subnet with epochs as far apart as on the main network, whose history is full after 20,000 blocks. */
const measureHeap = async (): Promise<void> => {
  const options = { ...fullSubnet, tempoBlocks: mainnetTempoBlocks };
  const devnet = await startBenchDevnet(options);
  const startedMs = performance.now();
  const { samples, slopeBytesPerBlock } = measureMemory(devnet, memoryBlocks);
  const seconds = round((performance.now() - startedMs) / 1_000);
  await devnet.stop();
  const heap = samples.map(({ block, heapBytes }) => ({ block, heapMB: round(heapBytes / 1e6) }));
  for (const { block, heapMB } of heap) tell(`  block ${block}: ${heapMB} MB`);
  tell(`  ${round(slopeBytesPerBlock, 2)} bytes per block over the second half, ${seconds} s`);
  const result = { bench: 'chain', ...options, blocks: memoryBlocks, seconds, heap, slopeBytesPerBlock };
  conclude(result);
};

if (has('memory')) {
  await measureHeap();
  process.exit();
}

const summary = (reports: readonly PeerReport[]) => ({
  importMs: round(median(reports.map(({ importMs }) => importMs)), 0),
  readyMs: round(median(reports.map(({ readyMs }) => readyMs)), 0),
  rssMiB: round(median(reports.map(({ rssMiB }) => rssMiB)), 0),
  metagraphMs: round(median(reports.flatMap(({ readMs }) => readMs))),
});

tell(`embedded chain: ${NEURONS} neurons, ${VALIDATORS} validators with full rows`);
const devnet = await measureEmbedded();
tell(
  `  block with an epoch ${devnet.epochBlockMs} ms, without ${devnet.blockMs} ms, metagraph ${devnet.metagraphMs} ms`,
);

const dir = mkdtempSync(join(tmpdir(), 'miaoai-bench-'));
const node = await startNode(dir, blockTimeMs);
try {
  // Enough blocks for each read to be of another one.
  await new Promise((resolve) => setTimeout(resolve, (reads + 4) * blockTimeMs));
  const ours: PeerReport[] = [];
  const theirs: PeerReport[] = [];
  for (let index = 0; index < repeats; index += 1) {
    ours.push(measurePeer('miaoai', node.url, reads));
    theirs.push(measurePeer('polkadot', node.url, reads));
  }
  const client = summary(ours);
  const apiPromise = summary(theirs);
  const ratios = {
    ready: round(apiPromise.readyMs / client.readyMs, 2),
    memory: round(apiPromise.rssMiB / client.rssMiB, 2),
    metagraph: round(apiPromise.metagraphMs / client.metagraphMs, 2),
  };
  tell(`client: ready in ${client.readyMs} ms (@polkadot/api ${apiPromise.readyMs}), ${client.rssMiB} MiB`);
  tell(`  metagraph ${client.metagraphMs} ms (@polkadot/api ${apiPromise.metagraphMs})`);
  const signing = await measureSigning(node.url, 200);
  tell(`weights: ${signing.perSecond} built and signed per second, ${signing.ratio} of bare signatures`);
  const daemon = await measureDaemon(node.url);
  tell(`validator: started in ${daemon.startedMs} ms, ready to dispatch in ${daemon.readyMs} ms`);
  conclude({
    bench: 'chain',
    neurons: NEURONS,
    validators: VALIDATORS,
    client,
    apiPromise,
    ratios,
    devnet,
    signing,
    daemon,
  });
} finally {
  await node.stop();
  rmSync(dir, { recursive: true, force: true });
}
process.exit();
