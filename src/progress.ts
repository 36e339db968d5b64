/** A step of the start that may take long: on a terminal one line that moves, elsewhere a plain line now and then. */

export type Step = {
  /** What is being done: `loading models`. */
  readonly name: string;
  /** How much of it is done, and what that is: `2 of 4 workers`; null where that cannot be said. */
  readonly done: () => { readonly share: number; readonly text: string } | null;
};

export type ProgressPlace = {
  readonly isTerminal: boolean;
  readonly write: (text: string) => void;
  /** A plain line, through the log where there is one. */
  readonly say: (text: string) => void;
};

const movingEveryMs = 500;
const plainEveryMs = 10_000;
/** A step that is shorter than this is not worth a line. */
const shownAfterMs = 1_000;

const secondsText = (ms: number): string => {
  const seconds = Math.round(ms / 1_000);
  return seconds < 100 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
};

/** `loading models: 2 of 4 workers, 12 s, about 12 s left`. */
export const progressText = ({ name, done }: Step, passedMs: number): string => {
  const now = done();
  const parts = [...(now === null ? [] : [now.text]), secondsText(passedMs)];
  // Before a tenth is done, the rate says little.
  if (now !== null && now.share >= 0.1 && now.share < 1)
    parts.push(`about ${secondsText((passedMs * (1 - now.share)) / now.share)} left`);
  return `${name}: ${parts.join(', ')}`;
};

/** Standard error, and a log or plain lines there. */
export const ownTerminal = (say: (text: string) => void): ProgressPlace => ({
  isTerminal: process.stderr.isTTY === true && process.env['TERM'] !== 'dumb',
  write: (text) => void process.stderr.write(text),
  say,
});

/** Shows a step until the returned function is called, which takes the moving line away again. */
export const showProgress = (step: Step, place: ProgressPlace): (() => void) => {
  const startedMs = performance.now();
  let isDrawn = false;
  const tell = (): void => {
    const passedMs = performance.now() - startedMs;
    if (passedMs < shownAfterMs) return;
    const text = progressText(step, passedMs);
    if (place.isTerminal) {
      place.write(`\r\u001b[2K${text}`);
      isDrawn = true;
    } else place.say(text);
  };
  const timer = setInterval(tell, place.isTerminal ? movingEveryMs : plainEveryMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    if (isDrawn) place.write('\r\u001b[2K');
    isDrawn = false;
  };
};
