import { performance } from 'node:perf_hooks';

import { Tokenizer } from '@huggingface/tokenizers';
import * as Effect from 'effect/Effect';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';

import { readModelFolder } from '#src/inference/manifest.ts';
import { clipText, loadTokenizer, truncateIds, UNITS_PER_TOKEN } from '#src/inference/tokenizer.ts';
import type { FolderOptions } from './modelFolders.ts';
import { CONFIG, makeWorkspace, tokenizerJson, VOCABULARY } from './modelFolders.ts';

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

const plain = { ...tokenizerJson(), added_tokens: [], normalizer: null, post_processor: null };
const wordPiece = {
  ...plain,
  pre_tokenizer: { type: 'BertPreTokenizer' },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(
      ['[UNK]', 'a', 'ab', 'c', '##a', '##b', '##abc', '##c', '你', '##😀', '.'].map((piece, id) => [
        piece,
        id,
      ]),
    ),
  },
};
const unigram = {
  ...plain,
  pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
  model: {
    type: 'Unigram',
    unk_id: 0,
    vocab: [
      ['<unk>', 0],
      ['▁', -2],
      ['a', -3],
      ['b', -3.1],
      ['ab', -4],
      ['▁a', -3.5],
      ['c', -5],
    ],
  },
};
const LONG = { ...CONFIG, max_position_embeddings: 4_096 };

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
      fc.property(fc.array(fc.nat(0xffff), { maxLength: 400 }), (units) => {
        const text = String.fromCharCode(...units);
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
          expect(clipped.length).toBeLessThanOrEqual(maxTokens * UNITS_PER_TOKEN);
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

  it('gives the ids of the library for WordPiece and Unigram, whatever the text', async () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', 'c', 'ab', ' ', '你', '😀', 'z', '.'),
      maxLength: 150,
    });
    for (const definition of [wordPiece, unigram]) {
      const tokenizer = await load({
        tokenizer: definition,
        tokenizerConfig: { model_max_length: 1_000, unk_token: '[UNK]' },
        config: LONG,
      });
      const library = new Tokenizer(definition, { unk_token: '[UNK]' });
      fc.assert(
        fc.property(text, (sample) => {
          const ids = Int32Array.from(library.encode(sample).ids as readonly number[]);
          if (ids.length > 0) expect(tokenizer.encode(sample)).toEqual({ ok: true, value: ids });
        }),
      );
    }
  });

  it('spends little time on texts made to be slow', async () => {
    const hostile = [
      'z'.repeat(100_000),
      `${'a'.repeat(100)} `.repeat(1_000),
      '\u0301'.repeat(100_000),
      '😀'.repeat(100_000),
    ];
    for (const definition of [wordPiece, unigram, bpe]) {
      const tokenizer = await load({
        tokenizer: definition,
        tokenizerConfig: { model_max_length: 512 },
        config: LONG,
      });
      for (const text of hostile) {
        const tookMs = [1, 2, 3].map(() => {
          const startedAt = performance.now();
          tokenizer.encode(text);
          return performance.now() - startedAt;
        });
        // Quadratic work takes 150 to 300 ms each time; the best of three leaves out what neighbours cost.
        expect(Math.min(...tookMs)).toBeLessThan(80);
      }
    }
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
