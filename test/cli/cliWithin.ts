import { Command } from 'commander';
import { vi } from 'vitest';

import { auditCommand } from '#src/cli/audit.ts';
import { storeCommand } from '#src/cli/store.ts';
import type { CliEnd } from './cliProcess.ts';

/** A command within this process: its words and its code, as a terminal would see them. */
export const cliWithin = async (...args: readonly string[]): Promise<CliEnd> => {
  const said = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      said[name] += String(chunk);
      return true;
    }),
  );
  try {
    const program = new Command('miaoai').addCommand(auditCommand()).addCommand(storeCommand());
    await program.parseAsync(args, { from: 'user' });
    return { code: Number(process.exitCode ?? 0), ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = 0;
  }
};
