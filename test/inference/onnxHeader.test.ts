import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';

import { readOnnxHeader } from '#src/inference/onnxHeader.ts';
import { classifierModel, makeWorkspace, modelWith } from './modelFolders.ts';

const workspace = makeWorkspace();
afterAll(() => workspace.dispose());

const headerOf = (content: Uint8Array) => {
  const path = join(workspace.root, 'file.onnx');
  writeFileSync(path, content);
  return readOnnxHeader(path);
};

describe('inference / onnxHeader', () => {
  it('reads names, element types and dimensions of inputs and outputs', () => {
    expect(headerOf(classifierModel())).toEqual({
      ok: true,
      value: {
        inputs: [
          { name: 'input_ids', elementType: 7, dims: [null, null] },
          { name: 'attention_mask', elementType: 7, dims: [null, null] },
        ],
        outputs: [{ name: 'logits', elementType: 1, dims: [null, 3] }],
      },
    });
  });

  it('steps over weights of many megabytes', () => {
    const content = modelWith((graph) => ({
      ...graph,
      initializers: [
        { name: 'big', type: 'float', dims: [4_000_000], values: new Float32Array(4_000_000) },
        ...graph.initializers,
      ],
    }));
    expect(content.length).toBeGreaterThan(16_000_000);
    const header = headerOf(content);
    expect(header.ok && header.value.outputs[0]?.name).toBe('logits');
  });

  it('refuses every file that is cut off', () => {
    const content = classifierModel();
    for (let length = 0; length < content.length; length += 7) {
      const header = headerOf(content.subarray(0, length));
      // The last field is the operator set, which this reader does not need.
      if (length < content.length - 8) expect(header.ok, `cut at ${length}`).toBe(false);
    }
  });

  it('answers arbitrary bytes with an outcome', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (content) => {
        expect(typeof headerOf(content).ok).toBe('boolean');
      }),
      { numRuns: 200 },
    );
  });

  it('recognises what people mistake for a model', () => {
    expect(headerOf(new Uint8Array())).toEqual({ ok: false, error: 'it is empty' });
    expect(headerOf(Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00'))).toMatchObject({
      ok: false,
      error: expect.stringContaining('git lfs pull'),
    });
    expect(headerOf(Buffer.from('<!DOCTYPE html><html></html>')).ok).toBe(false);
  });
});
