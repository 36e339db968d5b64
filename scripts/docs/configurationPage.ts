import { type Role, settingsTable } from '../../src/config.ts';
import { code, generatedFrom, page, table } from './markdown.ts';

type Row = ReturnType<typeof settingsTable>[number];

const roles: readonly Role[] = ['validator', 'miner'];

const defaultOf = ({ default: text, isRemark, secret }: Row): string => {
  if (text === '') return 'none';
  return isRemark || secret ? text : code(text);
};

const rowOf = (row: Row): readonly string[] => [
  code(row.flag),
  code(row.env),
  defaultOf(row),
  row.allowed,
  `${row.description}${row.secret ? ' Never shown.' : ''}`,
  row.aliases.map(code).join(', ') || '–',
];

const roleSection = (role: Role): readonly string[] => {
  const rows = settingsTable(role);
  const groups = Map.groupBy(rows, ({ group }) => group);
  return [
    `## ${role === 'validator' ? 'Validator' : 'Miner'}`,
    ...[...groups].flatMap(([group, members]) => [
      `### ${group} (${role})`,
      table(['flag', 'variable', 'default', 'allowed', 'meaning', 'also'], members.map(rowOf)),
    ]),
  ];
};

/** The page about the settings of both daemons. */
export const configurationPage = (): ReadonlyMap<string, string> =>
  new Map([
    [
      'docs/configuration.md',
      page([
        generatedFrom('src/config'),
        '# Configuration',
        'Each setting is taken from the first of these that has it: the flag, the environment variable, the file ' +
          '`.env.validator` or `.env.miner` of the working directory (`.env` where that one is absent), the default. ' +
          'A wrong value ends the daemon before it starts, with exit code 2 and all wrong values at once. Relative ' +
          'paths count from the working directory, `~` is the home directory. Names in the last column are further ' +
          'spellings that mean the same.',
        ...roles.flatMap(roleSection),
      ]),
    ],
  ]);
