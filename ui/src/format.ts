/** How numbers read everywhere on the page. An absent value is an en dash. */
export const absent = '–';

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const thinSpace = '\u202f';

type Maybe = number | null | undefined;
const isNumber = (value: Maybe): value is number => typeof value === 'number' && Number.isFinite(value);

/** `5,123,456`: counts and heights. */
export const countText = (value: Maybe): string => (isNumber(value) ? grouped.format(value) : absent);

/** A height of the chain; in the form of a count, so that heights line up. */
export const blockText = countText;

/** A fraction in [0, 1] with a fixed number of digits, so that columns line up: `0.912`. */
export const fractionText = (value: Maybe, digits = 3): string =>
  isNumber(value) ? value.toFixed(digits) : absent;

/** `91.2 %`. */
export const percentText = (value: Maybe, digits = 1): string =>
  isNumber(value) ? `${(value * 100).toFixed(digits)}${thinSpace}%` : absent;

/** A difference with its sign, a real minus, and no sign for what rounds to zero: `+0.0012`. */
export const signedText = (value: Maybe, digits = 4): string => {
  if (!isNumber(value)) return absent;
  const size = Math.abs(value).toFixed(digits);
  if (Number(size) === 0) return size;
  return `${value < 0 ? '\u2212' : '+'}${size}`;
};

/** A number of any size with up to four significant digits: stake, tokens per second. */
export const amountText = (value: Maybe): string => {
  if (!isNumber(value)) return absent;
  const size = Math.abs(value);
  if (size >= 1_000_000) return `${(value / 1_000_000).toFixed(2)}${thinSpace}M`;
  if (size >= 100 || size === 0) return grouped.format(value);
  return value.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 4);
};

const pair = (first: number, unit: string, second: number, secondUnit: string): string =>
  second === 0
    ? `${first}${thinSpace}${unit}`
    : `${first}${thinSpace}${unit} ${second}${thinSpace}${secondUnit}`;

/** `850 ms`, `12.4 s`, `9 min 12 s`, `3 h 5 min`, `2 d 4 h`. */
export const durationText = (ms: Maybe): string => {
  if (!isNumber(ms)) return absent;
  const size = Math.max(0, ms);
  if (size < 999.5) return `${Math.round(size)}${thinSpace}ms`;
  if (size < 59_950) return `${(size / 1_000).toFixed(1)}${thinSpace}s`;
  const seconds = Math.round(size / 1_000);
  if (seconds < 3_600) return pair(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 1_440) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(minutes / 60);
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
};

/** As `durationText`, but whole seconds: for what counts up or down before one's eyes. */
export const clockText = (ms: Maybe): string => {
  if (!isNumber(ms)) return absent;
  const seconds = Math.max(0, Math.round(ms / 1_000));
  return seconds < 60 ? `${seconds}${thinSpace}s` : durationText(seconds * 1_000);
};

/** Time that a number of blocks takes, `≈ 29 min`; absent without a known pace. */
export const blocksTimeText = (blocks: Maybe, blockMs: Maybe): string =>
  isNumber(blocks) && isNumber(blockMs) ? `≈${thinSpace}${clockText(blocks * blockMs)}` : absent;

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `1.4 GiB`. */
export const bytesText = (bytes: Maybe): string => {
  if (!isNumber(bytes)) return absent;
  let size = Math.max(0, bytes);
  let unit = 0;
  // 1,023.96 would be shown as 1024.0 of the smaller unit.
  while (size >= 1_023.95 && unit < byteUnits.length - 1) {
    size /= 1_024;
    unit += 1;
  }
  const digits = unit === 0 || size >= 100 ? 0 : 1;
  return `${size.toFixed(digits)}${thinSpace}${byteUnits[unit]}`;
};

/** `5F3sa2…Qk9T`: enough to tell apart, and to find again. */
export const hotkeyText = (hotkey: string): string =>
  hotkey.length <= 13 ? hotkey : `${hotkey.slice(0, 6)}…${hotkey.slice(-4)}`;

export type Zone = 'UTC' | 'local';

const timeFormat = (timeZone: string | undefined): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
/** Made once: making one costs more than a thousand uses. */
const timeFormats: Readonly<Record<Zone, Intl.DateTimeFormat>> = {
  UTC: timeFormat('UTC'),
  local: timeFormat(undefined),
};

/** `14:03:59`, in the zone chosen for the page. */
export const timeText = (at: Maybe, zone: Zone): string =>
  isNumber(at) ? timeFormats[zone].format(at) : absent;

/** `1 block`, `3 blocks`. */
export const pluralText = (count: number, one: string, many = `${one}s`): string =>
  `${countText(count)} ${count === 1 ? one : many}`;

/** Words of a camel-cased name: `commitRevealWeightsEnabled` to `commit reveal weights enabled`. */
export const wordsText = (name: string): string =>
  name.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
