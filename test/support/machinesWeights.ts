import type { SubmitFailure } from '#src/domain/failures.ts';
import { fail, succeed } from '#src/domain/outcome.ts';
import { weightSettingMachine } from '#src/machines/weightSetting.machine.ts';
import type {
  CheckWeights,
  FindInclusion,
  PreparedWeights,
  PrepareWeights,
  SealedWeights,
  SubmitWeights,
  WeightSettingEvent,
  WeightsDue,
} from '#src/machines/weightSubmission.ts';
import { fakeTask } from '#test/support/machines.ts';

/** Due in epoch 7, which ends at block 450. */
export const due: WeightsDue = {
  epoch: 7,
  vector: { uids: [1, 2], values: [65_535, 3] },
  lastEpochBlock: 90,
  endsAtBlock: 450,
};
export const dueEvent = (epoch = 7) =>
  ({ type: 'weights.due', ...due, epoch, endsAtBlock: 450 + (epoch - 7) * 360 }) as const;
export const block = (height: number) => ({ type: 'block.finalized', block: height }) as const;
export const ended = (epoch: number) => ({ type: 'epoch.ended', epoch }) as const;

/** Signed at block 400 with an era that ends at block 408. */
export const prepared: PreparedWeights = {
  hex: '0x00',
  hash: '0x01',
  nonce: 5,
  account: '5Validator',
  bornAtBlock: 400,
  expiresAtBlock: 408,
};

export const refusal = (retry: SubmitFailure['retry']): SubmitFailure => ({
  _tag: 'Refused',
  check: 'SettingWeightsTooFast',
  message: 'too fast',
  retry,
});
export const unreachable: SubmitFailure = {
  _tag: 'Unreachable',
  message: 'the call passed its deadline',
  retry: { when: 'reconnected' },
};

export const sent = succeed('sent' as const);
export const notSet = succeed({ setAtBlock: null, committed: null, isForeign: false });
export const setAt = (height: number) => succeed({ setAtBlock: height, committed: null, isForeign: false });
/** The prepared bytes as plain weights, unless told otherwise. */
export const ready = (changes: Partial<PreparedWeights> = {}, sealed: SealedWeights | null = null) =>
  succeed({ prepared: { ...prepared, ...changes }, sealed });

/** What a commit of the weights in hand has locked in: opened from block 450 on, where epoch 8 begins. */
export const sealed: SealedWeights = {
  plan: { commitEpoch: 7, revealRound: 1_100, commitHash: `0x${'c'.repeat(64)}`, revealsFromBlock: 450 },
  vector: due.vector,
};
export const missing = succeed({ found: false as const, isNonceUsed: false });
/** Another program with the hotkey used the nonce. */
export const overtaken = succeed({ found: false as const, isNonceUsed: true });
export const included = succeed({
  found: true as const,
  block: 403,
  blockHash: '0x403',
  outcome: succeed(null),
});
export const failedOnChain = (failure: SubmitFailure) =>
  succeed({ found: true as const, block: 403, blockHash: '0x403', outcome: fail(failure) });

/** The machine with four actors that are answered by hand. */
export const weightFakes = () => {
  const check = fakeTask<CheckWeights>();
  const prepare = fakeTask<PrepareWeights>();
  const submit = fakeTask<SubmitWeights>();
  const find = fakeTask<FindInclusion>();
  const machine = weightSettingMachine.provide({
    actors: {
      checkWeights: check.logic,
      prepareWeights: prepare.logic,
      submitWeights: submit.logic,
      findInclusion: find.logic,
    },
  });
  return { check, prepare, submit, find, machine };
};

type Fakes = ReturnType<typeof weightFakes>;
type Actor = { readonly send: (event: WeightSettingEvent) => void };

/** Every state of the machine while weights of epoch 7 are due, with the way that leads there at block 400. */
export const waysToSet: Readonly<Record<string, (fakes: Fakes, actor: Actor) => Promise<void>>> = {
  checking: async () => {},
  preparing: async ({ check }) => check.answer(notSet),
  submitting: async (fakes, actor) => {
    await waysTo('preparing', fakes, actor);
    await fakes.prepare.answer(ready());
  },
  'confirming.awaitingBlock': async (fakes, actor) => {
    await waysTo('preparing', fakes, actor);
    await fakes.prepare.answer(ready({ bornAtBlock: 401 }));
    await fakes.submit.answer(succeed('sent'));
  },
  'confirming.looking': async (fakes, actor) => {
    await waysTo('submitting', fakes, actor);
    await fakes.submit.answer(succeed('sent'));
  },
  'confirming.pausing': async (fakes, actor) => {
    await waysTo('confirming.looking', fakes, actor);
    await fakes.find.answer(missing);
  },
  'confirming.resending': async (fakes, actor) => {
    await waysTo('confirming.pausing', fakes, actor);
    actor.send({ type: 'chain.opened' });
    actor.send(block(400));
  },
  backingOff: async ({ check }) => check.answer(fail(refusal({ when: 'atBlock', block: 420 }))),
  givenUp: async ({ check }) => check.answer(fail(refusal({ when: 'never' }))),
};

const waysTo = async (state: string, fakes: Fakes, actor: Actor): Promise<void> => {
  await waysToSet[state]?.(fakes, actor);
};
