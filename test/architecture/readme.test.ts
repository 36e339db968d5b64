import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Files of the repository: tracked ones, and new ones that git does not ignore. */
const listedByGit = (): readonly string[] | null => {
  // A checkout may belong to another user than the one who tests it.
  const args = ['-c', 'safe.directory=*', 'ls-files', '--cached', '--others', '--exclude-standard'];
  try {
    return execFileSync('git', args, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).split('\n');
  } catch {
    return null;
  }
};

/** The same for a tree without git, such as an unpacked archive. */
const listedByFolder = (): readonly string[] =>
  readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (file) => !/^(node_modules|dist|\.git|\.env[^/]*$)|\.log$/.test(file),
  );

const files = (listedByGit() ?? listedByFolder()).filter(
  (file) => file !== '' && (statSync(join(root, file), { throwIfNoEntry: false })?.isFile() ?? false),
);

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const markdown = files.filter((file) => file.endsWith('.md'));

/** Text without fenced blocks, in which brackets and hashes are code. */
const prose = (text: string): string => text.replace(/^(```|~~~).*?^\1\s*$/gms, '');

/** Targets of inline links and images that lead into the repository. */
const relativeLinks = (text: string): readonly string[] =>
  [...prose(text).matchAll(/\]\(([^()\s]+)\)/g)]
    .map(([, target]) => target ?? '')
    .filter((target) => !/^[a-z][a-z0-9+.-]*:/i.test(target));

/** The anchor that GitHub makes of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[`*]/g, '')
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replace(/ /g, '-');

const anchorsIn = (text: string): readonly string[] =>
  [...prose(text).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => anchorOf(heading ?? ''));

const brokenLinks = (file: string): readonly string[] =>
  relativeLinks(read(file)).filter((target) => {
    const [path = '', anchor] = target.split('#');
    const found = path === '' ? file : relative(root, join(root, dirname(file), decodeURI(path)));
    if (!existsSync(join(root, found))) return true;
    return anchor !== undefined && found.endsWith('.md') && !anchorsIn(read(found)).includes(anchor);
  });

const topFolders = ['src', 'test', 'docs', 'scripts', 'models', 'training', '.ci'];

/** Paths in code spans, such as `src/domain/ids.ts`; placeholders and globs are none. */
const mentionedPaths = (text: string): readonly string[] =>
  [...prose(text).matchAll(/`([^`\s]+)`/g)]
    .map(([, span]) => span ?? '')
    .filter((span) => topFolders.some((folder) => span.startsWith(`${folder}/`)))
    .filter((span) => !/[<>*{}…]/.test(span));

/** Scripts in code, fenced or not, such as `npm run demo`; `npm test` is short for `npm run test`. */
const mentionedScripts = (text: string): readonly string[] =>
  [...text.matchAll(/\bnpm (?:run (?:--silent )?([a-z:]+)|(test)\b)/g)].map(
    ([, script, test]) => script ?? test ?? '',
  );

/**
 * What no file may hold: paths of the machine a file was written on, hosts of private package registries, and words
 * about how the work was organised. Written in pieces, so that this file does not find itself.
 */
const forbidden: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['a path of a work folder', new RegExp(['/wo', 'rk/[a-z.]'].join(''))],
  ['the home folder of an administrator', new RegExp(['(?<![\\w.~])/ro', 'ot/'].join(''))],
  ['a folder of a brief', new RegExp(['/tmp/br', 'ief|BR', 'IEF\\.md'].join(''))],
  [
    'a registry host',
    new RegExp(
      ['https?://[\\w.-]*(?:regis', 'try|artifac', 'tory|nex', 'us|verda', 'ccio|mir', 'ror)[\\w-]*\\.'].join(
        '',
      ),
      'i',
    ),
  ],
  ['a resolved address of a package', new RegExp(['"resol', 'ved": "http'].join(''))],
  [
    'a word about the process',
    new RegExp(
      [
        '\\b(?:sub-?ag',
        'ent|co-auth',
        'ored-by|time ?b',
        'ox(?:ed)?|house st',
        'yle|languag',
        'e model wrote)',
      ].join(''),
      'i',
    ),
  ],
];

/** Lines of text files only; models and pictures may hold any bytes. */
const isText = (file: string): boolean => !/\.(onnx|png|svg|gz|woff2|ico)$/.test(file);

const findings = files.filter(isText).flatMap((file) => {
  const text = read(file);
  return forbidden.flatMap(([what, pattern]) => {
    const found = pattern.exec(text);
    return found === null ? [] : [`${file}: ${what}: ${found[0]}`];
  });
});

/** Findings with the file they are in. */
const byFile = (of: readonly string[], find: (file: string) => readonly string[]): readonly string[] =>
  of.flatMap((file) => find(file).map((finding) => `${file}: ${finding}`));

describe('architecture / readme', () => {
  it('has documents to check', () => {
    expect(markdown).toEqual(
      expect.arrayContaining(['README.md', 'docs/architecture.md', 'docs/semantics.md']),
    );
    expect(relativeLinks(read('README.md')).length).toBeGreaterThan(3);
    expect(mentionedPaths(read('docs/architecture.md')).length).toBeGreaterThan(20);
    expect(mentionedScripts(read('README.md'))).toEqual(expect.arrayContaining(['demo', 'test']));
  });

  it('has no broken relative link', () => {
    expect(byFile(markdown, brokenLinks)).toEqual([]);
  });

  it('names only files that exist', () => {
    const documents = markdown.filter((file) => !file.includes('/') || file.startsWith('docs/'));
    const missing = (file: string) =>
      mentionedPaths(read(file)).filter((path) => !existsSync(join(root, path)));
    expect(byFile(documents, missing)).toEqual([]);
  });

  it('names only npm scripts that exist', () => {
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'));
    const unknown = (file: string) =>
      mentionedScripts(read(file)).filter((script) => !Object.hasOwn(scripts, script));
    expect(byFile(markdown, unknown)).toEqual([]);
  });

  it('describes each folder of the sources in the readme', () => {
    const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `src/${entry.name}/`);
    const text = read('README.md');
    expect(folders.filter((folder) => !text.includes(folder))).toEqual([]);
  });

  it('lists each decision once, in the order of its number', () => {
    const numbers = readdirSync(join(root, 'docs', 'adr'))
      .filter((file) => file !== 'README.md')
      .map((file) => Number(/^(\d{4})-[a-z0-9-]+\.md$/.exec(file)?.[1]));
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });

  it('has the same parts in each decision', () => {
    const decisions = files.filter((file) => file.startsWith('docs/adr/0'));
    const parts = ['Context', 'Decision', 'Consequence', 'How we would notice it was wrong'];
    for (const file of decisions) {
      const headings = [...read(file).matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
      expect(headings, file).toEqual(parts);
      expect(read(file), file).toMatch(/^Date: \d{4}-\d{2}-\d{2}$/m);
      expect(read('docs/adr/README.md')).toContain(`(${file.slice('docs/adr/'.length)})`);
    }
  });

  it('keeps the continuous check executable', () => {
    expect(statSync(join(root, '.ci', 'run')).mode & 0o111).not.toBe(0);
  });

  it('keeps machine paths, private hosts and words about the process out of all files', () => {
    expect(findings).toEqual([]);
  });
});
