/**
 * `npm run test:crash [-- --store embedded|redis] [--only TEXT] [--lanes N]`: a validator dies before and after every
 * durable write it makes, one after the other, and each time its successor has to come back to the same promises. The
 * last line of standard output is a count.
 *
 * Exit codes: 0 every crash was survived, 1 a promise was broken or a point not reached, 3 no redis-server.
 */
import { parseArgs } from 'node:util';

import { uncoveredOperations } from '#test/support/crashCoverage.ts';
import { openCrashRedis } from '#test/support/crashRedis.ts';
import { walkCrashPoints } from '#test/support/crashWalk.ts';
import { hasRedis, missingRedis } from '#test/support/redisServer.ts';

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'embedded' },
    only: { type: 'string', default: '' },
    lanes: { type: 'string', default: '3' },
  },
});
const tell = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

if (values.store === 'redis' && !hasRedis) {
  tell(missingRedis);
  process.exit(3);
}
const startedMs = performance.now();
const redis = values.store === 'redis' ? await openCrashRedis() : null;
const { points, crashes } = await walkCrashPoints({
  lanes: Number(values.lanes),
  validatorArgs: redis?.validatorArgs ?? (() => []),
  ...(redis === null ? {} : { readEvidence: redis.readEvidence }),
  choose: (all) => all.filter(({ point }) => point.includes(values.only)),
  onProgress: tell,
}).finally(() => redis?.stop());

const uncovered = uncoveredOperations(points.map(({ point }) => point));
for (const operation of uncovered) tell(`FAIL no point of ${operation} was reached`);
const failed = crashes.filter(({ problems }) => problems.length > 0).length + uncovered.length;
const seconds = Math.round((performance.now() - startedMs) / 1_000);
tell(`${points.length} points, ${crashes.length} crashes in ${seconds} s`);
process.stdout.write(`${crashes.length + uncovered.length - failed} passed, ${failed} failed\n`);
process.exit(failed === 0 && crashes.length > 0 ? 0 : 1);
