import { describe, expect, it } from 'vitest';
import { createActor, createMachine, sendTo, setup } from 'xstate';

import { definitionsOf, metricPrefix } from '#src/actors/metrics/definitions.ts';
import { createMetrics, type Metrics } from '#src/actors/metrics/metrics.ts';
import { createValidatorView } from '#src/actors/views/validatorView.ts';
import { root, rootId } from '#src/machines/root.ts';
import { minerSlices, validatorSlices } from '#test/support/viewSlices.ts';
import { viewParts } from '#test/support/views.ts';

const now = (): number => 1_790_000_106_000;

const ofValidator = (slices = validatorSlices): Metrics =>
  createMetrics({ role: 'validator', version: '1.2.3', slices, now });

/** `name{labels}` to value, without the comments. */
const seriesOf = async (metrics: Metrics): Promise<ReadonlyMap<string, number>> => {
  const lines = (await metrics.render()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(metricPrefix.length, at), Number(line.slice(at + 1))];
    }),
  );
};

const session = createMachine({
  id: 'minerSession',
  initial: 'linked',
  on: { 'session.fail': { actions: sendTo(root, { type: 'session.lost', failure: { _tag: 'Refused' } }) } },
  states: {
    linked: {
      initial: 'dialing',
      states: { dialing: { on: { 'link.opened': 'ready' } }, ready: { after: { 60000: 'dialing' } } },
      on: { 'session.close': 'gone' },
    },
    gone: { type: 'final' },
  },
});

const validator = setup({ actors: { session } }).createMachine({
  id: 'validator',
  initial: 'alive',
  invoke: [
    { id: 'session/5Alice', src: 'session' },
    { id: 'session/5Bob', src: 'session' },
  ],
  on: { 'round.ended': {}, 'session.lost': {} },
  states: { alive: { on: { 'system.drain': 'over' } }, over: {} },
});

const run = (metrics: Metrics) => {
  const actor = createActor(validator, { systemId: rootId, inspect: metrics.onInspection }).start();
  const tell = (id: string, type: string): void => {
    const children: Readonly<Record<string, { send: (event: { type: string }) => void } | undefined>> =
      actor.getSnapshot().children;
    children[id]?.send({ type });
  };
  return { actor, tell };
};

describe('actors / metrics', () => {
  it('counts transitions by machine and event, and never by actor', async () => {
    const metrics = ofValidator();
    const { actor, tell } = run(metrics);
    tell('session/5Alice', 'link.opened');
    tell('session/5Bob', 'link.opened');
    tell('session/5Bob', 'session.close');
    actor.send({ type: 'system.drain' });
    const series = await seriesOf(metrics);
    expect(series.get('machine_transitions_total{machine="minerSession",event="link.opened"}')).toBe(2);
    expect(series.get('machine_transitions_total{machine="validator",event="system.drain"}')).toBe(1);
    expect([...series.keys()].filter((key) => /5Alice|5Bob/.test(key))).toEqual([]);
    metrics.close();
  });

  it('tells how many sessions are in which state, and forgets those that are over', async () => {
    const metrics = ofValidator();
    const { actor, tell } = run(metrics);
    expect((await seriesOf(metrics)).get('session_state{state="dialing"}')).toBe(2);
    tell('session/5Alice', 'link.opened');
    tell('session/5Bob', 'session.close');
    const series = await seriesOf(metrics);
    expect(series.get('session_state{state="ready"}')).toBe(1);
    expect(series.get('session_state{state="dialing"}')).toBeUndefined();
    actor.stop();
    expect((await seriesOf(metrics)).get('session_state{state="ready"}')).toBeUndefined();
    metrics.close();
  });

  it('counts events that no state of a machine knows', async () => {
    const metrics = ofValidator();
    const { actor, tell } = run(metrics);
    tell('session/5Alice', 'nobody.asked');
    // A fact: it is sent to the root for whoever looks on.
    actor.send({ type: 'nobody.asked' });
    expect(
      (await seriesOf(metrics)).get('machine_unknown_events_total{machine="validator"}'),
    ).toBeUndefined();
    expect((await seriesOf(metrics)).get('machine_unknown_events_total{machine="minerSession"}')).toBe(1);
    metrics.close();
  });

  it('counts answers by outcome at the end of a round, and failed rounds apart', async () => {
    const metrics = ofValidator();
    const { actor } = run(metrics);
    const summary = { dispatched: 8, judged: 6, refused: 1, missed: 1, invalid: 0, late: 0, unreachable: 0 };
    actor.send({ type: 'round.ended', summary: { ...summary, lost: 0 } });
    actor.send({ type: 'round.ended', summary: null });
    const series = await seriesOf(metrics);
    expect(series.get('requests_dispatched_total')).toBe(8);
    expect(series.get('answers_total{outcome="judged"}')).toBe(6);
    expect(series.get('answers_total{outcome="missed"}')).toBe(1);
    expect(series.get('answers_total{outcome="lost"}')).toBe(0);
    expect(series.get('rounds_total{result="settled"}')).toBe(1);
    expect(series.get('rounds_total{result="failed"}')).toBe(1);
    metrics.close();
  });

  it('counts why links ended, by a cause of a closed list', async () => {
    const metrics = ofValidator();
    const { actor, tell } = run(metrics);
    tell('session/5Alice', 'session.fail');
    actor.send({ type: 'session.lost', failure: { _tag: 'said "by a peer"' } });
    const series = await seriesOf(metrics);
    expect(series.get('session_failures_total{cause="Refused"}')).toBe(1);
    expect(series.get('session_failures_total{cause="other"}')).toBe(1);
    expect(series.get('session_failures_total{cause="Silent"}')).toBe(0);
    metrics.close();
  });

  it('shows what the view says at the moment of the scrape', async () => {
    const metrics = ofValidator();
    const series = await seriesOf(metrics);
    expect(series.get(`build_info{version="1.2.3",role="validator",node="${process.version}"}`)).toBe(1);
    expect(series.get('health_level')).toBe(2);
    expect(series.get('chain_head_age_seconds')).toBe(6);
    expect(series.get('chain_endpoints{state="failed"}')).toBe(1);
    expect(series.get('epoch_block')).toBe(100);
    expect(series.get('weights_due_in_blocks')).toBe(188);
    expect(series.get('vtrust')).toBe(0.9);
    expect(series.get('round_phase_seconds{phase="collecting"}')).toBe(12.5);
    expect(series.get('score{stat="p50"}')).toBe(0.4);
    metrics.close();
  });

  it('calls no chain lost and no hotkey unregistered while it stands by and looks at neither', async () => {
    const view = createValidatorView(viewParts());
    const metrics = ofValidator(view.slices);
    const series = await seriesOf(metrics);
    expect(series.get('chain_following')).toBeUndefined();
    expect(series.get('registered')).toBeUndefined();
    expect(series.get('health_level')).toBe(1);
    metrics.close();
    view.close();
  });

  it.each([
    ['nothing', { metagraphBlock: null, registration: null }, undefined],
    ['that it is not', { registration: null }, 0],
    ['that it is', {}, 1],
  ])('tells of the registration of the hotkey what a metagraph says: %s', async (_, change, value) => {
    const slices = validatorSlices();
    const metrics = ofValidator(() => ({ ...slices, chain: { ...slices.chain, ...change } }));
    expect((await seriesOf(metrics)).get('registered')).toBe(value);
    metrics.close();
  });

  it.each([
    ['following', 1],
    ['following.reading', 1],
    ['connecting', 0],
    ['stale', 0],
  ])('tells whether the chain is followed in the state %s', async (state, value) => {
    const slices = validatorSlices();
    const metrics = ofValidator(() => ({ ...slices, chain: { ...slices.chain, state } }));
    expect((await seriesOf(metrics)).get('chain_following')).toBe(value);
    metrics.close();
  });

  it('has no series for a uid unless it is asked to', async () => {
    const plain = ofValidator();
    expect([...(await seriesOf(plain)).keys()].filter((key) => key.includes('uid='))).toEqual([]);
    plain.close();
    const perUid = createMetrics({
      role: 'validator',
      version: '1',
      slices: validatorSlices,
      isPerUid: true,
    });
    expect((await seriesOf(perUid)).get('uid_score{uid="2"}')).toBe(0.9);
    perUid.close();
  });

  it('renders inference times of a miner as a cumulative histogram', async () => {
    const metrics = createMetrics({ role: 'miner', version: '1.2.3', slices: minerSlices, now });
    for (const seconds of [0.004, 0.03, 0.04, 99]) metrics.observeInference(seconds);
    const series = await seriesOf(metrics);
    expect(series.get('inference_seconds_bucket{le="0.005"}')).toBe(1);
    expect(series.get('inference_seconds_bucket{le="0.05"}')).toBe(3);
    expect(series.get('inference_seconds_bucket{le="30"}')).toBe(3);
    expect(series.get('inference_seconds_bucket{le="+Inf"}')).toBe(4);
    expect(series.get('inference_seconds_count')).toBe(4);
    expect(series.get('requests_total{stage="acknowledged"}')).toBe(88);
    metrics.close();
  });

  it('leaves out a view that throws, counts it, and shows the rest', async () => {
    const metrics = ofValidator(() => {
      throw new Error('no view');
    });
    const series = await seriesOf(metrics);
    expect(series.get('metrics_failures_total')).toBe(1);
    expect(series.get('resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(series.get('health_level')).toBeUndefined();
    metrics.close();
  });

  it('survives an event that is none', async () => {
    const metrics = ofValidator();
    const broken = Object.freeze({ type: '@xstate.event', rootId: 'x:0' });
    // As an observer of XState may be handed anything by a later version of it.
    Reflect.apply(metrics.onInspection, undefined, [broken]);
    expect((await seriesOf(metrics)).get('metrics_failures_total')).toBe(1);
    metrics.close();
  });

  it('renders every metric of a role once its values are known', async () => {
    for (const role of ['validator', 'miner'] as const) {
      const metrics =
        role === 'validator'
          ? createMetrics({ role, version: '1', slices: validatorSlices, isPerUid: true })
          : createMetrics({ role, version: '1', slices: minerSlices });
      const { actor, tell } = run(metrics);
      tell('session/5Alice', 'nobody.asked');
      actor.send({ type: 'system.drain' });
      const text = await metrics.render();
      const missing = definitionsOf(role).filter(
        ([name]) => !text.includes(`# TYPE ${metricPrefix}${name} `),
      );
      expect(missing, role).toEqual([]);
      metrics.close();
    }
  });
});
