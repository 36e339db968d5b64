import { describe, expect, it } from 'vitest';

import { permitText, standingOf } from '../../../ui/src/screens/chain/standing.ts';

const own = { uid: 3, registeredAtBlock: 10, immuneForBlocks: 0, hasPermit: true, stake: 1 };

describe('ui / screens / standing', () => {
  it('calls nobody unregistered before a metagraph was read, as on a standby', () => {
    const chain = { metagraphBlock: null, registration: null };
    expect(standingOf(chain)).toBe('unknown');
    expect(permitText(chain)).toBe('not known yet');
  });

  it('says so where a metagraph has no such hotkey', () => {
    const chain = { metagraphBlock: 100, registration: null };
    expect(standingOf(chain)).toBe('unregistered');
    expect(permitText(chain)).toBe('not registered');
  });

  it('tells of a permit once there is a uid', () => {
    expect(standingOf({ metagraphBlock: 100, registration: own })).toBe('registered');
    expect(permitText({ metagraphBlock: 100, registration: own })).toBe('yes');
    expect(permitText({ metagraphBlock: 100, registration: { ...own, hasPermit: false } })).toBe('no');
  });
});
