import { Command } from 'commander';

import { version } from '../version.ts';
import { auditCommand } from './audit.ts';
import { demoCommand } from './demo.ts';
import { devnetCommand } from './devnet.ts';
import { doctorCommand } from './doctor.ts';
import { withUsageCode } from './ending.ts';
import { logLevelCommand } from './logLevel.ts';
import { machinesCommand } from './machines.ts';
import { registerCommand } from './register.ts';
import { statusCommand } from './status.ts';
import { storeCommand } from './store.ts';
import { walletCommand } from './wallet.ts';

/** A reader that has enough, as `head`, closes the pipe: no error of ours, and no reason for a stack trace. */
const endWithReader = (): void => {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit();
    });
  }
};

/** `miaoai`, as `node dist/cli.js`. */
export const runCli = async (): Promise<void> => {
  endWithReader();
  const program = new Command('miaoai')
    .description('tools around the MIAOAI validator and miner')
    .version(version)
    .showHelpAfterError()
    .addCommand(devnetCommand())
    .addCommand(demoCommand())
    .addCommand(auditCommand())
    .addCommand(storeCommand())
    .addCommand(walletCommand())
    .addCommand(registerCommand())
    .addCommand(doctorCommand())
    .addCommand(statusCommand())
    .addCommand(logLevelCommand())
    .addCommand(machinesCommand());
  await withUsageCode(program).parseAsync(process.argv);
};
