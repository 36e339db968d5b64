import type { ChainView, CommonSlices } from '../../domain/view/commonView.ts';
import type { MinerSlices } from '../../domain/view/minerView.ts';
import type { RoundRow, ValidatorSlices } from '../../domain/view/validatorView.ts';
import type { HealthLevel } from '../../domain/view/verdict.ts';
import type { MetricName, Reading } from './definitions.ts';

const levels: Readonly<Record<HealthLevel, number>> = { ok: 0, starting: 1, attention: 2, failing: 3 };

type Labels = Readonly<Record<string, string>>;

/** A reading, or none where the value is not known yet: an absent series says so, 0 would not. */
const known = (
  name: MetricName,
  value: number | null | undefined,
  labels: Labels = {},
): readonly Reading[] =>
  value === null || value === undefined || !Number.isFinite(value) ? [] : [{ name, labels, value }];

const flag = (name: MetricName, isSet: boolean): readonly Reading[] => known(name, isSet ? 1 : 0);

const chainReadings = (chain: ChainView, nowMs: number): readonly Reading[] => {
  const current = chain.endpoints.find(({ isCurrent }) => isCurrent);
  const answering = chain.endpoints.filter(({ block }) => block !== null).length;
  const failed = chain.endpoints.filter((it) => it.block === null && it.lastFailure !== null).length;
  const unasked = chain.endpoints.length - answering - failed;
  return [
    // Before there is a link, as while a validator stands by, no chain is lost.
    ...(chain.state === 'none' ? [] : flag('chain_following', /(^|\.)following(\.|$)/.test(chain.state))),
    ...known('chain_head_block', chain.finalizedBlock),
    ...known(
      'chain_head_age_seconds',
      chain.headAt === null ? null : Math.max(0, nowMs - chain.headAt) / 1e3,
    ),
    ...known('chain_lag_blocks', current?.lag),
    ...known('chain_endpoints', answering, { state: 'answering' }),
    ...known('chain_endpoints', failed, { state: 'failed' }),
    ...known('chain_endpoints', unasked, { state: 'unasked' }),
    ...known('chain_spec_version', chain.specVersion),
    ...known('metagraph_block', chain.metagraphBlock),
    ...known('neurons', chain.neurons),
    ...known('stake_alpha', chain.registration?.stake),
    ...(chain.metagraphBlock === null ? [] : flag('registered', chain.registration !== null)),
  ];
};

/** What both roles show. */
export const commonReadings = (slices: CommonSlices, nowMs: number): readonly Reading[] => {
  const { about, health, root, chain, store } = slices;
  // One code may stand for several things; the most urgent level of it counts.
  const reasons = new Map(health.reasons.toReversed().map(({ code, level }) => [code, level]));
  return [
    ...known('start_time_seconds', about.startedAt / 1e3),
    ...known('health_level', levels[health.level]),
    ...[...reasons].map(
      ([code, level]): Reading => ({ name: 'health_reason', labels: { code, level }, value: 1 }),
    ),
    ...known('actors', root.actors),
    ...chainReadings(chain, nowMs),
    ...(store.state === 'none' ? [] : flag('store_well', store.lastFailure === null)),
    ...known('store_backlog', store.backlog),
    ...known('store_records', store.records),
  ];
};

const roundReadings = (rounds: readonly RoundRow[]): readonly Reading[] => {
  const [newest] = rounds;
  const ended = rounds.find(({ endedAt }) => endedAt !== null);
  const phases = new Map<string, number>();
  for (const { name, from, to } of ended?.phases ?? []) {
    if (to !== null) phases.set(name, (phases.get(name) ?? 0) + Math.max(0, to - from) / 1e3);
  }
  return [
    ...known('round_cohort', newest?.cohort),
    ...known('round_tasks', newest?.tasks),
    ...known('round_last_end_seconds', ended?.endedAt == null ? null : ended.endedAt / 1e3),
    ...[...phases].map(
      ([phase, value]): Reading => ({ name: 'round_phase_seconds', labels: { phase }, value }),
    ),
  ];
};

const percentile = (sorted: readonly number[], share: number): number | undefined =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

const scoreReadings = (scores: readonly number[]): readonly Reading[] => {
  const sorted = scores.toSorted((a, b) => a - b);
  const shares = [
    ['min', 0],
    ['p25', 0.25],
    ['p50', 0.5],
    ['p75', 0.75],
    ['max', 1],
  ] as const;
  return shares.flatMap(([stat, share]) => known('score', percentile(sorted, share), { stat }));
};

/** What only a validator shows. */
export const validatorReadings = (slices: ValidatorSlices, isPerUid: boolean): readonly Reading[] => {
  const { epoch, weights, rounds, chain } = slices;
  const scores = weights.rows.flatMap(({ score }) => (score === null ? [] : [score]));
  return [
    ...known('epoch', epoch?.epoch),
    ...known('epoch_block', epoch === null ? null : epoch.block - epoch.lastEpochBlock),
    ...known('epoch_length_blocks', epoch === null ? null : epoch.endsAtBlock - epoch.lastEpochBlock),
    ...known('weights_due_in_blocks', epoch === null ? null : epoch.weightsDueAtBlock - epoch.block),
    ...known('weights_last_set_block', weights.lastConfirmedAtBlock),
    ...known('weights_blocks_since_set', weights.blocksSinceLastSet),
    ...known('weights_behind_epochs', weights.behind),
    ...known('vtrust', weights.vtrust.at(-1)?.value),
    ...(chain.registration === null ? [] : flag('validator_permit', chain.registration.hasPermit)),
    ...known('rounds_held', epoch?.holds.length),
    ...roundReadings(rounds),
    ...scoreReadings(scores),
    ...(isPerUid ? weights.rows : []).flatMap(({ uid, score, onChain }) => [
      ...known('uid_score', score, { uid: String(uid) }),
      ...known('uid_weight', onChain, { uid: String(uid) }),
    ]),
  ];
};

/** Counters of the listener itself: they begin anew with each opening of the port. */
const portReadings = ({ port }: MinerSlices): readonly Reading[] => [
  ...known('listener_connections_total', port?.connections),
  ...known('listener_links_total', port?.established),
  ...Object.entries(port?.refused ?? {}).flatMap(([reason, count]) =>
    known('listener_refused_total', count, { reason }),
  ),
];

const inferenceReadings = ({ inference }: MinerSlices): readonly Reading[] => {
  const { latencyMs, gpu, workers } = inference;
  const ready = workers.filter(({ isReady }) => isReady).length;
  return [
    ...flag('inference_ready', ready > 0),
    ...known('inference_queue_depth', inference.queued),
    ...known('inference_running', inference.running),
    ...known('inference_batch_texts', inference.meanBatch),
    ...known('inference_texts_per_second', inference.itemsPerSecond),
    ...known('inference_tokens_per_second', inference.tokensPerSecond),
    ...Object.entries(latencyMs ?? {}).flatMap(([stat, ms]) =>
      known('inference_latency_seconds', ms / 1e3, { stat }),
    ),
    ...known('inference_workers', inference.slots),
    ...known('inference_workers_ready', ready),
    ...known('gpu_memory_used_bytes', gpu?.usedBytes),
    ...known('gpu_memory_total_bytes', gpu?.totalBytes),
    ...known('gpu_utilization_ratio', gpu?.utilization),
    ...known('gpu_temperature_celsius', gpu?.celsius),
  ];
};

/** What only a miner shows. */
export const minerReadings = (slices: MinerSlices): readonly Reading[] => {
  const { standing, requests } = slices;
  return [
    ...known('incentive', standing.incentive),
    ...known('rank', standing.rank),
    ...known('emission_alpha', standing.emission),
    ...Object.entries(requests.totals).flatMap(([stage, value]) => known('requests_total', value, { stage })),
    ...portReadings(slices),
    ...inferenceReadings(slices),
  ];
};
