import { openSync } from 'node:fs';
import { join } from 'node:path';

import { diagnose } from '#src/store/diskTrouble.ts';

/** Opens files until the system gives no more, then says what keeps it from writing. Argument: a folder. */
const [dir = ''] = process.argv.slice(2);
// Loads what writing to the output needs, while there are descriptors for it.
process.stdout.write('');
try {
  for (;;) openSync('/dev/null', 'r');
} catch {
  process.stdout.write(`${diagnose(join(dir, 'store.sqlite'))}\n`);
}
