import * as Data from 'effect/Data';

/**
 * A file that could not be written, or that nothing is taken from.
 *
 * - `io`: the file system says no.
 * - `exists`: there is a file of that name, which is left as it is.
 * - `foreign`: not an export of this program.
 * - `newer`: of a newer release.
 * - `cut`: it ends before its end.
 * - `damaged`: its content is not what was written.
 */
export class ExportRefused extends Data.TaggedError('ExportRefused')<{
  readonly file: string;
  readonly reason: 'io' | 'exists' | 'foreign' | 'newer' | 'cut' | 'damaged';
  readonly message: string;
}> {}

/** Thrown inside the readers and writers of files; becomes `ExportRefused` at their edge. */
export class ExportDefect extends Error {
  override readonly name = 'ExportDefect';
  readonly reason: ExportRefused['reason'];
  constructor(reason: ExportRefused['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Errors of zlib when a compressed file ends too early. */
const cutCodes: ReadonlySet<unknown> = new Set(['Z_BUF_ERROR']);
const damagedCodes: ReadonlySet<unknown> = new Set(['Z_DATA_ERROR', 'ERR_TRAILING_JUNK_AFTER_STREAM_END']);

export const exportRefused = (file: string, cause: unknown): ExportRefused => {
  if (cause instanceof ExportRefused) return cause;
  const detail = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof ExportDefect)
    return new ExportRefused({ file, reason: cause.reason, message: `${file}: ${detail}` });
  const code = cause instanceof Error && 'code' in cause ? cause.code : null;
  if (cutCodes.has(code))
    return new ExportRefused({
      file,
      reason: 'cut',
      message: `${file} is cut off: ${detail}; copy it again`,
    });
  if (damagedCodes.has(code))
    return new ExportRefused({
      file,
      reason: 'damaged',
      message: `${file} is damaged: ${detail}; copy it again`,
    });
  return new ExportRefused({ file, reason: 'io', message: `${file}: ${detail}` });
};
