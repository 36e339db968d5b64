import * as Effect from 'effect/Effect';
import { describe, expect, it } from 'vitest';

import { decodeWith, HexBytes } from '#src/chain/reads.ts';

const decode = decodeWith(HexBytes, 'test');

describe('chain / reads', () => {
  it('takes hex of whole bytes and nothing else', () => {
    for (const hex of ['0x', '0x00', '0xAbCd']) expect(Effect.runSync(decode(hex))).toBe(hex);
    for (const text of ['', 'ab', '0xa', '0xag', '0x00 ', ' 0x00', 7, null]) {
      expect(Effect.runSync(Effect.flip(decode(text)))._tag).toBe('ChainMalformed');
    }
  });

  it.each([['00'], ['0g']])(
    'judges an answer as long as a frame may be, ending in %s, without a defect',
    (end) => {
      const long = `0x${'ab'.repeat(8 * 1_024 * 1_024 - 2)}${end}`;
      const outcome = Effect.runSync(Effect.result(decode(long)));
      expect(outcome._tag).toBe(end === '00' ? 'Success' : 'Failure');
    },
  );
});
