/** How much is logged, changed while the daemon runs. */
import type { Logger, LogLevel } from './logging.ts';
import { isTestBuild } from './testBuild.ts';

export type LevelControl = {
  readonly set: (level: LogLevel) => void;
  readonly close: () => void;
};

/** Also follows SIGUSR2, which turns debug on and off again; in the test build it asks for a report instead. */
export const controlLevel = (log: Logger): LevelControl => {
  const usual = log.level;
  const set = (level: string): void => {
    const before = log.level;
    if (before === level) return;
    // Told by whichever of the two levels tells more.
    if (log.isLevelEnabled('info'))
      log.info({ event: 'log.levelChanged', before, level }, 'log level changed');
    log.level = level;
    if (before === 'silent' || !['trace', 'debug', 'info'].includes(before))
      log.info({ event: 'log.levelChanged', before, level }, 'log level changed');
  };
  const toggle = (): void => set(log.level === 'debug' ? (usual === 'debug' ? 'info' : usual) : 'debug');
  if (!isTestBuild) process.on('SIGUSR2', toggle);
  return {
    set,
    close: () => {
      process.off('SIGUSR2', toggle);
    },
  };
};
