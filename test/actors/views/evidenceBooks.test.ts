import * as Effect from 'effect/Effect';
import { describe, expect, it } from 'vitest';

import { createEvidenceBooks } from '#src/actors/views/evidenceBooks.ts';
import { maxAnswers } from '#src/actors/views/minerBook.ts';
import { maxRounds } from '#src/actors/views/roundHistory.ts';
import { maxEpochs } from '#src/actors/views/scoredHistory.ts';
import { hotkeyOf, judged, memoryStore, planned, scored, settledRound, write } from '#test/support/views.ts';

const everybody = () => true;

describe('actors/views / evidenceBooks', () => {
  it('sees what is appended once it is written, each record once', async () => {
    const books = createEvidenceBooks();
    const { store } = memoryStore();
    const tapped = books.tap(store);
    await write(tapped, planned('r1'), judged('r1', 1), judged('r1', 2));
    await write(tapped, judged('r1', 2, { responseMs: 9_000 }), settledRound('r1'));
    const [round] = books.rounds.rows();
    expect(round).toMatchObject({ roundId: 'r1', state: 'settled', endedAt: 3_000, tasks: 1, cohort: 2 });
    expect(round?.counts).toMatchObject({ dispatched: 2, judged: 2, missed: 0 });
    expect(round?.slowest).toEqual([
      { uid: 2, ms: 200 },
      { uid: 1, ms: 100 },
    ]);
    expect(books.miners.summaryOf(hotkeyOf(2)).recent).toMatchObject({
      judged: 1,
      accuracy: 1,
      medianMs: 200,
    });
    expect(books.lastSeq()).toBe(4);
  });

  it('leaves other logs alone, and what could not be written', async () => {
    const books = createEvidenceBooks();
    const { store } = memoryStore();
    const failing = books.tap({ ...store, append: () => Effect.fail({ _tag: 'StoreFull' } as never) });
    await expect(write(failing, planned('r1'))).rejects.toThrow();
    await Effect.runPromise(books.tap(store).append('other', [{ value: { type: 'round.planned' } }]));
    expect(books.rounds.rows()).toEqual([]);
  });

  it('never fails a write, whatever is in it', async () => {
    const books = createEvidenceBooks();
    const { store } = memoryStore();
    const odd = [
      { type: 'round.planned', roundId: 'r1' },
      { type: 'answer.judged' },
      { type: 'nobody.knows' },
      null,
    ];
    const appended = Effect.runPromise(
      books.tap(store).append(
        'evidence',
        odd.map((value, index) => ({ key: `k${index}`, value })),
      ),
    );
    await expect(appended).resolves.toMatchObject({ lastSeq: 4 });
  });

  it('takes up the end of the log, with what is appended meanwhile behind it', async () => {
    const past = [planned('r1'), judged('r1', 1), settledRound('r1'), scored(6), planned('r2')];
    const { store } = memoryStore(past);
    const books = createEvidenceBooks();
    const tapped = books.tap(store);
    const recalled = books.recall(store);
    await write(tapped, judged('r2', 1), settledRound('r2', { at: 5_000 }));
    await recalled;
    expect(books.rounds.rows().map(({ roundId, state }) => [roundId, state])).toEqual([
      ['r2', 'settled'],
      ['r1', 'settled'],
    ]);
    expect(books.rounds.rows()[1]?.phases).toEqual([{ name: 'asking', from: 1_000, to: 3_000 }]);
    expect(books.epochs.lastEpoch()).toBe(6);
    expect(books.miners.summaryOf(hotkeyOf(1)).recent.judged).toBe(2);
  });

  it('finds scored epochs that lie before the end that is read', async () => {
    const filling = Array.from({ length: 20_100 }, (_, index) => judged('r0', 1, { taskId: `t${index}` }));
    const { store } = memoryStore([scored(4), scored(5), ...filling, scored(6)]);
    const books = createEvidenceBooks();
    await books.recall(store);
    expect(books.epochs.history(everybody).epochs).toEqual([4, 5, 6]);
  });

  it('goes without a past that cannot be read', async () => {
    const { store } = memoryStore();
    const books = createEvidenceBooks();
    const fail = () => Effect.fail({ _tag: 'StoreUnavailable' } as never);
    await books.recall({ ...store, lastSeq: fail });
    await write(books.tap(store), planned('r1'));
    expect(books.rounds.rows()).toHaveLength(1);
  });

  it('keeps no more than it says', async () => {
    const books = createEvidenceBooks();
    const tapped = books.tap(memoryStore().store);
    for (let round = 0; round < maxRounds + 5; round += 1) await write(tapped, planned(`r${round}`));
    for (let epoch = 0; epoch < maxEpochs + 5; epoch += 1) await write(tapped, scored(epoch));
    const answers = Array.from({ length: 3 * maxAnswers }, (_, index) =>
      judged('r9', 1, { taskId: `t${index}`, accuracy: index % 2 }),
    );
    await write(tapped, ...answers);
    expect(books.rounds.rows()).toHaveLength(maxRounds);
    expect(books.rounds.rows()[0]?.roundId).toBe(`r${maxRounds + 4}`);
    expect(books.epochs.history(everybody).epochs).toHaveLength(maxEpochs);
    expect(books.miners.summaryOf(hotkeyOf(1)).recent).toMatchObject({ judged: maxAnswers, accuracy: 0.5 });
    expect(books.miners.answersOf(hotkeyOf(1))).toHaveLength(200);
  });

  it('forgets miners that are long gone', async () => {
    const books = createEvidenceBooks();
    const tapped = books.tap(memoryStore().store);
    const gone = Array.from({ length: 600 }, (_, uid) => judged('r0', uid, { hotkey: `5gone${uid}` }));
    await write(tapped, ...gone);
    expect(books.miners.summaryOf('5gone0').recent.judged).toBe(0);
    expect(books.miners.summaryOf('5gone599').recent.judged).toBe(1);
  });
});
