import { describe, expect, it } from 'vitest';

import { lastEpochOf } from '#src/cli/demo/span.ts';

describe('cli / demo / span', () => {
  it('is as long as was wanted while nothing dies', () => {
    expect(lastEpochOf({ first: 1, epochs: 2, disturbed: null })).toBe(2);
    expect(lastEpochOf({ first: 4, epochs: 1, disturbed: null })).toBe(4);
  });

  it('ends with two epochs in which nothing died', () => {
    expect(lastEpochOf({ first: 1, epochs: 2, disturbed: 0 })).toBe(2);
    expect(lastEpochOf({ first: 1, epochs: 2, disturbed: 1 })).toBe(3);
    expect(lastEpochOf({ first: 1, epochs: 2, disturbed: 2 })).toBe(4);
  });

  it('ends, however often something is killed', () => {
    expect(lastEpochOf({ first: 1, epochs: 2, disturbed: 100 })).toBe(8);
  });
});
