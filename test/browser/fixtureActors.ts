import type { LogLine } from '#src/domain/view/commonView.ts';
import type { ActorView, InspectionEntry } from '#src/domain/view/inspection.ts';

const actor = (
  sessionId: string,
  id: string,
  fields: Partial<ActorView> & { readonly states: readonly string[] },
): ActorView => ({
  sessionId,
  id,
  systemId: null,
  parent: 'x:0',
  chart: id,
  status: 'active',
  lastTransitions: [],
  context: {},
  events: 10,
  ...fields,
});

/** Some actors of a validator: enough to see a tree, a chart and messages. */
export const fixtureActors = (): readonly ActorView[] => [
  actor('x:0', 'validator', {
    parent: null,
    systemId: 'validator',
    states: ['validator', 'validator.running', 'validator.running.working'],
  }),
  actor('x:1', 'chainLink', {
    systemId: 'chainLink',
    states: ['chainLink', 'chainLink.open', 'chainLink.open.following'],
    context: { endpoint: 0, block: 5_123_456 },
  }),
  actor('x:2', 'weightSetting', {
    systemId: 'weightSetting',
    states: ['weightSetting', 'weightSetting.waiting'],
  }),
  actor('x:3', 'epoch', {
    states: [
      'epoch',
      'epoch.rounds',
      'epoch.rounds.collecting',
      'epoch.rounds.collecting.steady',
      'epoch.weights',
      'epoch.weights.waiting',
    ],
  }),
  actor('x:4', 'round', { parent: 'x:3', states: ['round', 'round.running', 'round.running.collecting'] }),
  ...Array.from({ length: 240 }, (_, index) =>
    actor(`x:${index + 36}`, `session/${index + 16}`, {
      chart: 'minerSession',
      states: [
        'minerSession',
        'minerSession.linked',
        `minerSession.linked.${index % 3 === 0 ? 'busy' : 'ready'}`,
      ],
      context: { uid: index + 16, attempt: 0 },
    }),
  ),
];

/** What happens in one tick of the fixture: a session becomes busy or idle again, the round hears of it. */
export const entriesAt = (seq: number, at: number): readonly InspectionEntry[] => {
  const session = `x:${36 + ((seq * 7) % 240)}`;
  const isBusy = seq % 2 === 0;
  return [
    {
      kind: 'event',
      seq,
      at,
      from: 'x:4',
      to: session,
      event: isBusy ? 'link.busy' : 'link.idle',
      detail: {},
    },
    {
      kind: 'moved',
      seq: seq + 1,
      at,
      actor: session,
      by: isBusy ? 'link.busy' : 'link.idle',
      transitions: [],
      states: ['minerSession', 'minerSession.linked', `minerSession.linked.${isBusy ? 'busy' : 'ready'}`],
      context: null,
    },
    { kind: 'event', seq: seq + 2, at, from: session, to: 'x:0', event: 'session.changed', detail: {} },
  ];
};

const says: readonly (readonly [LogLine['level'], string, string])[] = [
  ['info', 'round.finished', 'round r-4211-40 settled: 241 of 256 judged in 8.4 s'],
  ['debug', 'session.ready', 'the link to uid 77 is ready'],
  ['info', 'chain.head', 'block 5123456 is finalized'],
  ['warn', 'session.cooling', 'the link to uid 88 failed three times: connection refused'],
  ['error', 'weights.refused', 'the pool refused the weights of epoch 4210: priority is too low'],
];

/** One line of the fixture's log. */
export const logLineAt = (seq: number, at: number): LogLine => {
  const [level, event, msg] = says[seq % says.length] ?? ['info', 'fixture', ''];
  return { seq, at, level, event, msg, fields: { uid: 16 + (seq % 240), round: 'r-4211-40' } };
};

export const recentLog = (now: number): readonly LogLine[] =>
  Array.from({ length: 400 }, (_, index) => logLineAt(index, now - (400 - index) * 900));
