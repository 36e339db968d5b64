import { describe, expect, it } from 'vitest';
import { createRandom } from '#src/domain/random.ts';
import { expand } from '#src/domain/tasks/grammar.ts';
import { intentBooks } from '#src/domain/tasks/intentText.ts';
import { sentimentBooks } from '#src/domain/tasks/sentimentText.ts';
import { mistype } from '#src/domain/tasks/typos.ts';

const templatesOf = (value: unknown): string[] => {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(templatesOf);
};

describe('domain / tasks / grammar', () => {
  it('expands every template of every phrase book without leftovers', () => {
    const frameSlots = {
      noun: ['x'],
      fragment: ['x'],
      core: ['x'],
      topic: ['x'],
      settled: ['x'],
      minor: ['x'],
      major: ['x'],
    };
    const random = createRandom('templates');
    for (const book of [...intentBooks, ...sentimentBooks]) {
      for (const template of templatesOf(book)) {
        for (let repeat = 0; repeat < 3; repeat += 1) {
          const text = expand(template, { ...book.slots, ...frameSlots }, random);
          expect(text, template).not.toMatch(/[[\]{}|%]| {2}/);
        }
      }
    }
  });

  it('chooses among all branches, nested and empty ones included', () => {
    const random = createRandom('branches');
    const seen = new Set(Array.from({ length: 200 }, () => expand('[a|b[c|d]|] {s}', { s: ['z'] }, random)));
    expect([...seen].sort()).toEqual(['a z', 'bc z', 'bd z', 'z']);
  });

  it('refuses faulty templates', () => {
    const random = createRandom('faults');
    expect(() => expand('{nowhere}', {}, random)).toThrow(/unknown slot/);
    expect(() => expand('[a|b', {}, random)).toThrow(/not closed/);
    expect(() => expand('{a', {}, random)).toThrow(/not closed/);
    expect(() => expand('{a}', { a: ['{a}'] }, random)).toThrow(/too deeply/);
  });
});

describe('domain / tasks / typos', () => {
  it('changes most texts, only a little', () => {
    const samples = {
      en: 'please refund my payment',
      zh: '我的订单什么时候到',
      es: 'quiero cancelar mi pedido',
    } as const;
    for (const language of ['en', 'zh', 'es'] as const) {
      const text = samples[language];
      const typed = Array.from({ length: 100 }, (_, n) => mistype(text, language, createRandom(`${n}`)));
      expect(typed.filter((one) => one !== text).length).toBeGreaterThan(85);
      for (const one of typed) expect(Math.abs(one.length - text.length)).toBeLessThanOrEqual(2);
    }
  });

  it('leaves a text without anything to mistype as it is', () => {
    expect(mistype('a b 12', 'en', createRandom('x'))).toBe('a b 12');
  });
});
