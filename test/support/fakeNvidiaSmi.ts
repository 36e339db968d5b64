import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The shell stays deaf to SIGTERM in what it becomes; it ends by itself if a test fails to end it. */
export const deaf = "trap '' TERM\nexec sleep 30";

/** A program of the name `nvidia-smi` in a folder of its own; it does what these lines of a shell say. */
export const fakeNvidiaSmi = (lines: string) => {
  const folder = mkdtempSync(join(tmpdir(), 'miaoai-nvidia-'));
  const program = join(folder, 'nvidia-smi');
  const become = (text: string): void => {
    const fresh = `${program}.new`;
    writeFileSync(fresh, `#!/bin/sh\n${text}\n`);
    chmodSync(fresh, 0o755);
    // At once: a shell that just begins reads one or the other.
    renameSync(fresh, program);
  };
  become(lines);
  return { folder, program, become, remove: () => rmSync(folder, { recursive: true, force: true }) };
};
