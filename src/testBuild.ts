/**
 * The test build (`dist-test/`) is made of the same sources as `dist/`, with one constant replaced. What only it may do
 * (dying at a fail point, a deliberate bug, a report of its own memory) stands behind `if (isTestBuild)`, so that the
 * bundler leaves all of it out of `dist/`; `test/crash/testBuild.test.ts` looks that it did.
 */
declare const __MIAOAI_TEST_BUILD__: boolean | undefined;

/** True in `dist-test/` alone; false in `dist/` and where the sources run as they are. */
export const isTestBuild: boolean = typeof __MIAOAI_TEST_BUILD__ === 'boolean' && __MIAOAI_TEST_BUILD__;

/** Names that `MIAOAI_BUG` may hold, with commas between several. */
export type DeliberateBug = 'doubleJudge' | 'lostAcknowledgement' | 'secondSubmission';

/**
 * Whether a mistake is switched on that the invariants of the chaos suite have to find. Ask for it as
 * `isTestBuild && hasBug('doubleJudge')`: the first half is what keeps the mistake out of `dist/`.
 */
export const hasBug = (bug: DeliberateBug): boolean =>
  isTestBuild && (process.env['MIAOAI_BUG'] ?? '').split(',').includes(bug);
