/** Reads the bytes of a pickle from front to back; every method throws `PickleDefect` where they end too early. */

/** Thrown inside the reader only; `readPickle` makes an outcome of it. */
export class PickleDefect extends Error {
  override readonly name = 'PickleDefect';
}

/** Python turns decimal text into an integer in quadratic time, and so does V8: nothing real is longer. */
const MAX_INTEGER_DIGITS = 1_024;
const MAX_INTEGER_BYTES = 512;
const NEWLINE = 0x0a;

export type PickleBytes = {
  readonly offset: () => number;
  readonly u8: () => number;
  readonly u16: () => number;
  readonly i32: () => number;
  readonly u32: () => number;
  /** Length of 8 bytes; whatever does not fit the rest of the pickle is refused. */
  readonly u64: () => number;
  /** Big-endian, as the only number of the format. */
  readonly f64: () => number;
  readonly take: (length: number) => Uint8Array;
  /** Bytes up to the next newline, as ISO 8859-1. */
  readonly line: () => string;
  readonly utf8: (length: number) => string;
};

export const pickleBytes = (input: Uint8Array): PickleBytes => {
  // A Buffer stays one in its parts, and would be another kind of value than the bytes of everybody else.
  const bytes = new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let at = 0;
  const advance = (length: number): number => {
    if (length < 0 || length > bytes.length - at)
      throw new PickleDefect(`it ends in the middle, at byte ${at}`);
    at += length;
    return at - length;
  };
  const take = (length: number): Uint8Array => {
    const from = advance(length);
    return bytes.subarray(from, from + length);
  };
  return {
    offset: () => at,
    u8: () => view.getUint8(advance(1)),
    u16: () => view.getUint16(advance(2), true),
    i32: () => view.getInt32(advance(4), true),
    u32: () => view.getUint32(advance(4), true),
    u64: () => Number(view.getBigUint64(advance(8), true)),
    f64: () => view.getFloat64(advance(8), false),
    take,
    line: () => {
      const end = bytes.indexOf(NEWLINE, at);
      if (end < 0) throw new PickleDefect(`a line that begins at byte ${at} has no end`);
      const text = Buffer.from(take(end - at)).toString('latin1');
      advance(1);
      return text;
    },
    utf8: (length) => {
      const part = take(length);
      try {
        return strict.decode(part);
      } catch {
        throw new PickleDefect(`a text that ends at byte ${at} is not UTF-8`);
      }
    },
  };
};

/** A number where it is exact, a bigint beyond 2^53. */
export const plainInteger = (value: bigint): number | bigint =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value;

/** An integer in decimal, with the `L` that Python 2 adds. */
export const decimalInteger = (line: string): number | bigint => {
  const text = line.endsWith('L') ? line.slice(0, -1) : line;
  if (text.length > MAX_INTEGER_DIGITS || !/^[+-]?\d+$/.test(text))
    throw new PickleDefect(`${JSON.stringify(text.slice(0, 40))} is no integer`);
  return plainInteger(BigInt(text.startsWith('+') ? text.slice(1) : text));
};

/** Two's complement, least byte first. */
export const binaryInteger = (bytes: Uint8Array): number | bigint => {
  if (bytes.length > MAX_INTEGER_BYTES) throw new PickleDefect(`an integer has ${bytes.length} bytes`);
  let value = 0n;
  for (let index = bytes.length - 1; index >= 0; index -= 1)
    value = (value << 8n) | BigInt(bytes[index] ?? 0);
  return plainInteger(bytes.length === 0 ? 0n : BigInt.asIntN(bytes.length * 8, value));
};

/** A float as Python's `repr` writes it. */
export const decimalFloat = (line: string): number => {
  const special = { inf: Infinity, '-inf': -Infinity, nan: Number.NaN }[line];
  if (special !== undefined) return special;
  if (line.length > 400 || !/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(line))
    throw new PickleDefect(`${JSON.stringify(line.slice(0, 40))} is no float`);
  return Number(line);
};

const codePoint = (hex: string): string => {
  const code = Number.parseInt(hex, 16);
  if (code > 0x10_ff_ff) throw new PickleDefect(`\\U${hex} is no character`);
  return String.fromCodePoint(code);
};

/** Python's `raw-unicode-escape`: ISO 8859-1 with `\uXXXX` and `\UXXXXXXXX`. */
export const unescapeUnicode = (line: string): string =>
  line.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (_, short?: string, long?: string) =>
    codePoint(short ?? long ?? ''),
  );

const simpleEscapes: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

/** A quoted string of Python 2, whose bytes are taken as ISO 8859-1. */
export const unquote = (line: string): string => {
  const quote = line[0];
  if (line.length < 2 || (quote !== "'" && quote !== '"') || !line.endsWith(quote))
    throw new PickleDefect('a string without its quotes');
  return line
    .slice(1, -1)
    .replace(/\\x([0-9a-fA-F]{2})|\\(.)/g, (whole, hex?: string, letter?: string) =>
      hex === undefined ? (simpleEscapes[letter ?? ''] ?? whole) : codePoint(hex),
    );
};
