import type { ReadStream } from 'node:tty';

/** What the prompt needs of a terminal; `process.stdin` and `process.stderr` have it. */
export type TerminalInput = Pick<ReadStream, 'setRawMode' | 'on' | 'off' | 'pause' | 'resume'> & {
  readonly isTTY?: boolean;
};
export type TerminalOutput = { readonly isTTY?: boolean; readonly write: (text: string) => unknown };

/** Asks for one line without showing it. null: the person gave up (Ctrl-C or Ctrl-D). */
export type AskSecret = (question: string) => Promise<string | null>;

/** Longer lines are cut: no password or phrase of anybody is this long. */
const MAX_LINE = 1_024;
const CONTROL = { interrupt: '\u0003', end: '\u0004', clear: '\u0015', backspace: '\u0008', del: '\u007f' };

/** The line after one more chunk of typed text, and whether it has ended and how. */
type Typed = { readonly line: string; readonly end: 'no' | 'line' | 'abort' };

const type = (line: string, chunk: string): Typed => {
  let typed = line;
  for (const character of chunk) {
    if (character === '\r' || character === '\n') return { line: typed, end: 'line' };
    if (character === CONTROL.interrupt) return { line: '', end: 'abort' };
    if (character === CONTROL.end)
      return typed === '' ? { line: '', end: 'abort' } : { line: typed, end: 'line' };
    if (character === CONTROL.clear) typed = '';
    else if (character === CONTROL.backspace || character === CONTROL.del)
      typed = [...typed].slice(0, -1).join('');
    else if (character >= ' ' && typed.length < MAX_LINE) typed += character;
  }
  return { line: typed, end: 'no' };
};

const askOn =
  (input: TerminalInput, output: TerminalOutput): AskSecret =>
  (question) =>
    new Promise((resolve) => {
      let line = '';
      const finish = (answer: string | null): void => {
        input.off('data', onData);
        input.setRawMode(false);
        input.pause();
        output.write('\n');
        resolve(answer);
      };
      const onData = (chunk: Buffer | string): void => {
        const typed = type(line, chunk.toString());
        line = typed.line;
        if (typed.end !== 'no') finish(typed.end === 'line' ? line : null);
      };
      output.write(question);
      input.setRawMode(true);
      input.on('data', onData);
      input.resume();
    });

/**
 * A prompt on the terminal that does not echo. null unless both sides are terminals: a service must fail at once and
 * not wait for somebody to type. Questions go to standard error, because standard output may be read by a script.
 */
export const terminalPrompt = (
  input: TerminalInput = process.stdin,
  output: TerminalOutput = process.stderr,
): AskSecret | null => (input.isTTY && output.isTTY ? askOn(input, output) : null);
