import { Command } from 'commander';

import { newCommand, regenCommand } from './walletNew.ts';
import { listCommand, showCommand } from './walletShow.ts';
import { passwordVariableCommand, signCommand, verifyCommand } from './walletSign.ts';

/** `miaoai wallet`: ordinary Bittensor wallet folders, made and read without Python. */
export const walletCommand = (): Command =>
  new Command('wallet')
    .description('make, show and use Bittensor wallets; the files are those of btcli')
    .addCommand(newCommand())
    .addCommand(regenCommand())
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(signCommand())
    .addCommand(verifyCommand())
    .addCommand(passwordVariableCommand());
