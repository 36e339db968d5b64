import { describe, expect, it } from 'vitest';

import { type FaultGroup, groupOf, type PlanOptions, planFaults } from './plan.ts';

const options: PlanOptions = {
  seed: 'plan',
  store: 'redis',
  hasDisk: true,
  hasClock: true,
  miners: 4,
  processFaults: 26,
  sideFaults: 80,
  leaseMs: 2_000,
};

const countOf = (plan: ReturnType<typeof planFaults>, ...groups: readonly FaultGroup[]): number =>
  plan.filter(({ kind }) => groups.includes(groupOf(kind))).length;

describe('chaos / plan', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(planFaults(options)).toEqual(planFaults(options));
    expect(planFaults({ ...options, seed: 'other' })).not.toEqual(planFaults(options));
  });

  it.each(['embedded', 'redis'] as const)('has faults enough of both sorts for the store %s', (store) => {
    const plan = planFaults({ ...options, store });
    expect(countOf(plan, 'process')).toBeGreaterThanOrEqual(25);
    expect(countOf(plan, 'link', 'redis', 'disk')).toBeGreaterThanOrEqual(75);
  });

  it('deals every kind that the machine can do, and no other', () => {
    const kinds = new Set(planFaults(options).map(({ kind }) => kind));
    expect(kinds.size).toBe(21);
    const poor = planFaults({
      ...options,
      store: 'embedded',
      hasDisk: false,
      hasClock: false,
    });
    const poorKinds = new Set(poor.map(({ kind }) => kind));
    for (const kind of ['kill.redis', 'fill.disk', 'step.clock'] as const)
      expect(poorKinds.has(kind)).toBe(false);
    expect(poor.length).toBe(106);
  });

  it('freezes for longer than the lease, and pauses for less', () => {
    const plan = planFaults({ ...options, processFaults: 200 });
    for (const { kind, holdMs } of plan) {
      if (kind === 'freeze.active') expect(holdMs).toBeGreaterThan(options.leaseMs);
      if (kind === 'pause.active') expect(holdMs).toBeLessThan(options.leaseMs / 2);
    }
  });
});
