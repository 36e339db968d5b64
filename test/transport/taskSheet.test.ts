import type * as Schema from 'effect/Schema';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decodeMessage } from '#src/transport/codec.ts';
import { prepareTaskSheet } from '#src/transport/taskSheet.ts';
import { connectPair, receive } from '#test/support/peers.ts';

const maxBytes = 262_144;

const visible = fc.stringMatching(/^[!-~]{1,128}$/);
// The library's type of a JSON value is recursive in another way than ours.
const anyJson = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Schema.Json>;
const anySheet = fc.record({
  round: visible,
  tasks: fc.array(fc.record({ kind: fc.constantFrom('a', 'text_1'), request: anyJson }), {
    minLength: 1,
    maxLength: 4,
  }),
});

const sheetOf = (given: Parameters<typeof prepareTaskSheet>[0]) => {
  const sheet = prepareTaskSheet(given);
  if (!sheet.ok) throw new Error(sheet.error.message);
  return sheet.value;
};

const oneTask = [{ kind: 'text_classification', request: { text: 'hola, ¿qué tal? 你好 "\\' } }];

describe('transport / task sheet', () => {
  it('addresses bytes that decode to the very message, whatever ids and tasks', () => {
    const idLists = fc.array(visible, { minLength: 4, maxLength: 4 });
    const deadlines = fc.integer({ min: 0, max: 3_600_000 });
    fc.assert(
      fc.property(anySheet, idLists, deadlines, (given, fourIds, deadlineMs) => {
        const ids = fourIds.slice(0, given.tasks.length);
        const prepared = prepareTaskSheet(given);
        // A key `__proto__` is refused here as in any other message.
        fc.pre(prepared.ok);
        const addressed = prepared.value.addressTo({ ids, deadlineMs });
        if (!addressed.ok) throw new Error(addressed.error.message);
        const decoded = decodeMessage(addressed.value.bytes, maxBytes);
        const tasks = given.tasks.map((task, index) => ({ id: ids[index], ...task }));
        const message = { type: 'tasks', v: 1, round: given.round, deadlineMs, tasks };
        // Through JSON, which knows no negative zero.
        expect(decoded).toEqual({ ok: true, value: JSON.parse(JSON.stringify(message)) });
      }),
    );
  });

  it.each([
    ['no tasks', { round: 'r1', tasks: [] }],
    ['a kind that is no name', { round: 'r1', tasks: [{ kind: 'No Kind', request: 1 }] }],
    ['a round with a line break', { round: 'r\n1', tasks: oneTask }],
    ['a request that is no JSON', { round: 'r1', tasks: [{ kind: 'a', request: Number.NaN }] }],
  ])('refuses %s', (_, given) => {
    expect(prepareTaskSheet(given)).toMatchObject({ ok: false, error: { _tag: 'Invalid' } });
  });

  it.each([
    ['too few ids', { ids: [], deadlineMs: 1 }],
    ['an id with a blank', { ids: ['a b'], deadlineMs: 1 }],
    ['a negative deadline', { ids: ['a'], deadlineMs: -1 }],
    ['a deadline that is no number', { ids: ['a'], deadlineMs: Number.NaN }],
  ])('addresses nothing with %s', (_, given) => {
    expect(sheetOf({ round: 'r1', tasks: oneTask }).addressTo(given)).toMatchObject({
      ok: false,
      error: { _tag: 'Invalid' },
    });
  });

  it('travels over a link, and is refused where it does not fit a frame', async () => {
    const pair = await connectPair();
    const addressed = sheetOf({ round: 'r1', tasks: oneTask }).addressTo({ ids: ['a1'], deadlineMs: 7 });
    const large = sheetOf({ round: 'r1', tasks: [{ kind: 'a', request: 'x'.repeat(maxBytes) }] });
    const tooLarge = large.addressTo({ ids: ['a1'], deadlineMs: 7 });
    if (!addressed.ok || !tooLarge.ok) throw new Error('both are well-formed');
    const arriving = receive(pair.accepted, 1);
    expect(pair.dialed.send(tooLarge.value)).toMatchObject({ ok: false, error: { _tag: 'Overflow' } });
    expect(pair.dialed.send(addressed.value)).toEqual({ ok: true, value: undefined });
    const [first] = await arriving;
    expect(first?.message).toEqual({
      ...{ type: 'tasks', v: 1, round: 'r1', deadlineMs: 7 },
      tasks: [{ id: 'a1', ...oneTask[0] }],
    });
    await pair.close();
  });
});
