import { settingsTable } from './describe.ts';
import type { Role } from './roles.ts';

const WIDTH = 110;

/** Breaks a sentence into comment lines. */
const comment = (sentence: string): readonly string[] => {
  const lines = ['#'];
  for (const word of sentence.split(' ')) {
    const line = `${lines.at(-1)} ${word}`;
    if (line.length <= WIDTH) lines[lines.length - 1] = line;
    else lines.push(`# ${word}`);
  }
  return lines;
};

/**
 * The example file of a role: every setting with its default, commented out, so that an untouched copy changes
 * nothing. Defaults that cannot be written down stand as a remark.
 */
export const envExample = (role: Role): string => {
  const lines = [
    `# Settings of the ${role}. Copy to .env.${role} in the working directory and remove the # of what you change.`,
    `# Flags and variables of the environment win over this file. See also: node dist/${role}.js --help`,
  ];
  let group = '';
  for (const row of settingsTable(role)) {
    if (row.group !== group) {
      group = row.group;
      lines.push('', `### ${group}`);
    }
    const value = row.isRemark ? '' : row.default;
    const otherwise = row.isRemark ? ` Default: ${row.default}.` : '';
    lines.push('', ...comment(`${row.description}${otherwise} Give ${row.allowed}.`), `#${row.env}=${value}`);
  }
  return `${lines.join('\n')}\n`;
};
