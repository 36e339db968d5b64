import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { freshDist } from '#test/support/systemBuild.ts';
import { freshTestDist } from '#test/support/testBuild.ts';

/** What the test build holds, and what no other build may. */
const marks = ['MIAOAI_FAIL_POINT', 'MIAOAI_BUG', 'withDoubleVerdicts', 'process report'] as const;

const bundlesWith = (dir: string, mark: string): readonly string[] =>
  readdirSync(dir)
    .filter((file) => file.endsWith('.js'))
    .filter((file) => readFileSync(join(dir, file), 'utf8').includes(mark));

describe('crash / test build', () => {
  it('is the only one with fail points, deliberate bugs and reports', async () => {
    const [dist, distTest] = [await freshDist(), await freshTestDist()];
    for (const mark of marks) expect(bundlesWith(dist, mark), mark).toEqual([]);
    for (const mark of marks) expect(bundlesWith(distTest, mark), mark).not.toEqual([]);
  });
});
