import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createState } from '#src/devnet/state.ts';

const key = (name: string): string => `0x${'ab'.repeat(32)}${name}`;
const value = (byte: number): Uint8Array => Uint8Array.of(byte);

describe('devnet / state', () => {
  it('reads the value that a key had after each block', () => {
    const state = createState();
    state.set(key('01'), value(1), 0);
    state.seal(0);
    state.set(key('01'), value(2), 1);
    state.set(key('02'), value(9), 1);
    state.seal(1);
    state.set(key('01'), undefined, 2);
    state.seal(2);
    expect([0, 1, 2].map((block) => state.get(key('01'), block))).toEqual([value(1), value(2), undefined]);
    expect([0, 1, 2].map((block) => state.keys(key(''), block))).toEqual([
      [key('01')],
      [key('01'), key('02')],
      [key('02')],
    ]);
  });

  it('names the keys that a block wrote', () => {
    const state = createState();
    state.set(key('02'), value(1), 0);
    state.set(key('01'), value(1), 0);
    expect(state.seal(0)).toEqual([key('01'), key('02')]);
    expect(state.seal(1)).toEqual([]);
  });

  it('undoes changes to the mark, nested ones too', () => {
    const state = createState();
    state.set(key('01'), value(1), 0);
    const outer = state.mark();
    state.set(key('01'), value(2), 0);
    const inner = state.mark();
    state.set(key('01'), undefined, 0);
    state.set(key('02'), value(5), 0);
    state.undoTo(inner);
    expect(state.get(key('01'), 0)).toEqual(value(2));
    expect(state.keys('0x', 0)).toEqual([key('01')]);
    state.undoTo(outer);
    expect(state.get(key('01'), 0)).toEqual(value(1));
    expect(state.seal(0)).toEqual([key('01')]);
  });

  it('keeps what recent blocks read when it forgets the older ones', () => {
    const step = fc.record({ name: fc.constantFrom('01', '02', '03'), byte: fc.option(fc.nat(255)) });
    fc.assert(
      fc.property(
        fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 20 }),
        fc.nat(20),
        (blocks, oldest) => {
          const pruned = createState();
          const whole = createState();
          for (const [block, steps] of blocks.entries()) {
            for (const state of [pruned, whole]) {
              for (const { name, byte } of steps)
                state.set(key(name), byte === null ? undefined : value(byte), block);
              state.seal(block);
            }
            pruned.prune(Math.min(block, oldest));
          }
          for (let block = Math.min(oldest, blocks.length); block < blocks.length; block += 1) {
            expect(pruned.keys('0x', block)).toEqual(whole.keys('0x', block));
            for (const name of ['01', '02', '03'])
              expect(pruned.get(key(name), block)).toEqual(whole.get(key(name), block));
          }
        },
      ),
    );
  });
});
