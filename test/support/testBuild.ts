import { spawn } from 'node:child_process';
import { join } from 'node:path';

import { repository } from './systemBuild.ts';

/** The folder of the test build, made anew when a source has changed. */
export const freshTestDist = (): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', join(repository, 'scripts', 'buildTest.ts')],
      { cwd: repository, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4_000);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(join(repository, 'dist-test'));
      else reject(new Error(`the test build ended with code ${code}: ${said}`));
    });
  });
