import { describe, expect, it } from 'vitest';

import { remembered } from '#src/gateway/remembered.ts';

describe('gateway / remembered', () => {
  it('asks once for everybody who asks meanwhile', async () => {
    let asked = 0;
    const ask = remembered(async () => {
      asked += 1;
      await Promise.resolve();
      return asked;
    }, 60_000);
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([1, 1, 1]);
    expect(await ask()).toBe(1);
  });

  it('remembers no failure', async () => {
    let asked = 0;
    const ask = remembered(() => {
      asked += 1;
      return asked === 1 ? Promise.reject(new Error('broken')) : Promise.resolve(asked);
    }, 60_000);
    await expect(ask()).rejects.toThrow('broken');
    expect(await ask()).toBe(2);
  });

  it('gives up an answer that never comes, and asks again', async () => {
    let asked = 0;
    const never = new Promise<number>(() => {});
    const ask = remembered(
      () => {
        asked += 1;
        return asked === 1 ? never : Promise.resolve(asked);
      },
      60_000,
      20,
    );
    const waiting = [ask(), ask()];
    for (const one of waiting) await expect(one).rejects.toThrow('no answer within 0.02 s');
    expect(await ask()).toBe(2);
  });
});
