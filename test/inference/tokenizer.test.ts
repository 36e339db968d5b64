import * as Effect from 'effect/Effect';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';

import { readModelFolder } from '#src/inference/manifest.ts';
import { clipText, loadTokenizer, truncateIds } from '#src/inference/tokenizer.ts';
import type { FolderOptions } from './modelFolders.ts';
import { makeWorkspace, tokenizerJson, VOCABULARY } from './modelFolders.ts';

const workspace = makeWorkspace();
afterAll(() => workspace.dispose());

const load = (options: FolderOptions = {}) =>
  Effect.runPromise(Effect.flatMap(readModelFolder(workspace.folder(options)), loadTokenizer));
const idsOf = (words: readonly string[]) => Int32Array.from(words, (word) => VOCABULARY.indexOf(word));

/** Byte-level BPE with three merges: what GPT-2 and RoBERTa exports look like. */
const bpe = {
  ...tokenizerJson(),
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  model: {
    type: 'BPE',
    vocab: { g: 0, o: 1, d: 2, Ġ: 3, oo: 4, goo: 5, good: 6 },
    merges: ['o o', 'g oo', 'goo d'],
    unk_token: null,
  },
};

describe('inference / tokenizer', () => {
  it('encodes with special tokens, case folding and unknown words', async () => {
    const tokenizer = await load();
    expect(tokenizer.encode('The shop is GOOD')).toEqual({
      ok: true,
      value: idsOf(['[CLS]', 'the', 'shop', 'is', 'good', '[SEP]']),
    });
    expect(tokenizer.encode('zebra')).toEqual({ ok: true, value: idsOf(['[CLS]', '[UNK]', '[SEP]']) });
    expect(tokenizer.padId).toBe(0);
  });

  it('truncates to the limit and keeps the final special token', async () => {
    const tokenizer = await load({ tokenizerConfig: { model_max_length: 6, pad_token: '[PAD]' } });
    expect(tokenizer.encode('the shop is good and fast and lovely')).toEqual({
      ok: true,
      value: idsOf(['[CLS]', 'the', 'shop', 'is', 'good', '[SEP]']),
    });
  });

  it('encodes byte-level BPE and drops what its vocabulary cannot express', async () => {
    const tokenizer = await load({ tokenizer: bpe });
    expect(tokenizer.encode('good goo')).toEqual({ ok: true, value: Int32Array.of(6, 3, 5) });
    expect(tokenizer.encode('gzood')).toMatchObject({ ok: true, value: Int32Array.of(0, 4, 2) });
    expect(tokenizer.encode('')).toMatchObject({ ok: false, error: expect.stringContaining('no tokens') });
    expect(tokenizer.encode('zzz')).toMatchObject({ ok: false });
  });

  it('answers any text with ids within the limit', async () => {
    const tokenizer = await load();
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        const encoded = tokenizer.encode(text);
        expect(
          encoded.ok && encoded.value.length <= 48 && encoded.value.every((id) => id < VOCABULARY.length),
        ).toBe(true);
      }),
    );
  });

  it('clips long texts between characters', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 200 }),
        fc.integer({ min: 1, max: 5 }),
        (text, maxTokens) => {
          const clipped = clipText(text, maxTokens);
          expect(text.startsWith(clipped)).toBe(true);
          expect(clipped.length).toBeLessThanOrEqual(maxTokens * 16);
          expect(clipped.isWellFormed()).toBe(true);
        },
      ),
    );
  });

  it('keeps the head and the trailing special tokens of any length', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(), { maxLength: 50 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 3 }),
        (ids, maxTokens, trailing) => {
          const kept = truncateIds(ids, maxTokens, trailing);
          expect(kept.length).toBe(Math.min(ids.length, maxTokens));
          const tail = Math.min(trailing, kept.length);
          expect(kept.slice(kept.length - tail)).toEqual(ids.slice(ids.length - tail));
          expect(kept.slice(0, kept.length - tail)).toEqual(ids.slice(0, kept.length - tail));
        },
      ),
    );
  });

  it('refuses a file that is no tokenizer and says how to get one', async () => {
    for (const tokenizer of [{}, { ...tokenizerJson(), model: { type: 'Unheard' } }]) {
      const folder = workspace.folder({ tokenizer });
      const error = await Effect.runPromise(
        Effect.flip(Effect.flatMap(readModelFolder(folder), loadTokenizer)),
      );
      expect(error.message).toMatch(/tokenizer\.json cannot be used .*optimum-cli/s);
    }
  });
});
