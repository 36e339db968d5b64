/**
 * Guides whose commands are run. A block that a shell can read says in a comment before it, which no reader sees, what
 * becomes of it in the test:
 *
 * - `run: local`: runs to its end, with exit code 0
 * - `background: NAME`: goes on until the test ends
 * - `installed: WHY`: the tree that was built stands in for what it would install
 * - `elsewhere: WHY`: cannot run here
 *
 * And of other blocks: `file: PATH` is written to the folder of the commands; `output: NAME` is what a process in the
 * background says from here on, and `output: last` what the last command said. Lines are found in their order, with other
 * lines between them; `…` stands for anything.
 */

export type MarkKind = 'run' | 'background' | 'installed' | 'elsewhere' | 'file' | 'output';

export type GuideBlock = {
  /** `docs/….md:LINE` of its fence. */
  readonly place: string;
  /** What follows the backticks; empty for none. */
  readonly language: string;
  readonly text: string;
  readonly mark: { readonly kind: MarkKind; readonly value: string } | null;
};

const markPattern = /^<!-- (run|background|installed|elsewhere|file|output): (.+) -->$/;

const isMarkKind = (text: string): text is MarkKind =>
  ['run', 'background', 'installed', 'elsewhere', 'file', 'output'].includes(text);

const markOf = (line: string): GuideBlock['mark'] => {
  const [, kind = '', value = ''] = markPattern.exec(line) ?? [];
  return isMarkKind(kind) ? { kind, value: value.trim() } : null;
};

/** All fenced blocks of a guide, in order. */
export const blocksOf = (name: string, markdown: string): readonly GuideBlock[] => {
  const blocks: GuideBlock[] = [];
  let open: { readonly place: string; readonly language: string; readonly before: string } | null = null;
  let text: string[] = [];
  let before = '';
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^```(\S*)\s*$/.exec(line);
    if (fence === null) {
      if (open === null) before = line.trim() === '' ? before : line.trim();
      else text.push(line);
      continue;
    }
    if (open === null) {
      open = { place: `${name}:${index + 1}`, language: fence[1] ?? '', before };
      text = [];
    } else {
      const { place, language } = open;
      blocks.push({ place, language, text: `${text.join('\n')}\n`, mark: markOf(open.before) });
      open = null;
      before = '';
    }
  }
  return blocks;
};

const shells: ReadonlySet<string> = new Set(['sh', 'bash', 'shell', 'console', '']);

/** Whether a reader would paste it into a shell; a block without a language is taken for one. */
export const isShell = ({ language }: GuideBlock): boolean => shells.has(language);

const shellMarks: ReadonlySet<MarkKind> = new Set(['run', 'background', 'installed', 'elsewhere']);

/** Why a block is neither run nor marked as one that is not; null where all is well. */
export const markProblem = (block: GuideBlock): string | null => {
  const { place, mark } = block;
  if (!isShell(block)) {
    return mark !== null && shellMarks.has(mark.kind)
      ? `${place}: only a shell can run '${mark.kind}'`
      : null;
  }
  if (mark === null || !shellMarks.has(mark.kind)) return `${place}: say whether and where it runs`;
  const hasReason = mark.value.split(' ').length >= 3;
  return (mark.kind === 'elsewhere' || mark.kind === 'installed') && !hasReason
    ? `${place}: say why it does not run here`
    : null;
};

/** A line of a guide as a pattern; `…` stands for anything. */
export const patternOf = (line: string): RegExp =>
  new RegExp(
    line
      .trim()
      .split('…')
      .map((part) =>
        part
          .trim()
          .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
          .replaceAll(/\s+/g, '\\s+'),
      )
      .join('.*'),
  );

/** The place behind the last of the expected lines, found in order from `from` on; the first that is missing else. */
export const findInOrder = (
  expected: readonly string[],
  said: readonly string[],
  from: number,
): { readonly end: number } | { readonly missing: string } => {
  let end = from;
  for (const line of expected) {
    const pattern = patternOf(line);
    const found = said.findIndex((text, index) => index >= end && pattern.test(text));
    if (found < 0) return { missing: line };
    end = found + 1;
  }
  return { end };
};

/** Lines of a block that are to be found. */
export const linesOf = ({ text }: GuideBlock): readonly string[] =>
  text.split('\n').filter((line) => line.trim() !== '' && line.trim() !== '…');
