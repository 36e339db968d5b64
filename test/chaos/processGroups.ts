import { spawnSync } from 'node:child_process';

/**
 * The living members of process groups, by pid: also those whose parent was killed, which no walk over children finds.
 * One that nobody has waited for yet (a zombie) does not live.
 */
export const membersOf = (groups: ReadonlySet<number>): readonly number[] => {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,pgid=,stat='], { encoding: 'utf8' });
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, group, state]) => groups.has(Number(group)) && !state?.startsWith('Z'))
    .map(([pid]) => Number(pid));
};
