/** Figures as sentences have them. */

/** `3 s`, `4 min`, `2.5 h`. */
export const spell = (ms: number): string => {
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 360) / 10} h`;
};

/** `1 block`, `3 blocks`. */
export const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;

/** `31 %`. */
export const percent = (fraction: number): string => `${Math.round(fraction * 100)} %`;

/** A few of many: `1, 4, 7 and 5 more`. */
export const few = (items: readonly (string | number)[], most: number): string => {
  const shown = items.slice(0, most).join(', ');
  return items.length > most ? `${shown} and ${items.length - most} more` : shown;
};

const maxQuotedChars = 240;

/** What somebody else said, on one line and bounded. */
export const quote = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > maxQuotedChars ? `${line.slice(0, maxQuotedChars)}…` : line;
};
