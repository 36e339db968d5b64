/** What both roles, or one of them, count. */
export type MetricRole = 'validator' | 'miner' | 'both';

export type MetricDefinition = {
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** One line of help; units and zero points are in it. */
  readonly help: string;
  readonly labels: readonly string[];
  readonly role: MetricRole;
  /** Only with `--metrics-per-uid`. */
  readonly isPerUid?: true;
};

const gauge = (
  role: MetricRole,
  help: string,
  labels: readonly string[] = [],
): MetricDefinition & { readonly type: 'gauge' } => ({ type: 'gauge', help, labels, role });

const counter = (
  role: MetricRole,
  help: string,
  labels: readonly string[] = [],
): MetricDefinition & { readonly type: 'counter' } => ({ type: 'counter', help, labels, role });

const histogram = (
  role: MetricRole,
  help: string,
  labels: readonly string[] = [],
): MetricDefinition & { readonly type: 'histogram' } => ({ type: 'histogram', help, labels, role });

/** All names begin with this. */
export const metricPrefix = 'miaoai_';

/**
 * Every metric there is; pages, boards, alert rules and tests follow this table. Names and units by Prometheus's rules
 * (base units, `_total` for counters). Label sets are bounded by this program and never by a peer: no hotkey, no
 * address, and a uid only where `--metrics-per-uid` asks for it.
 */
export const metricDefinitions = {
  build_info: gauge('both', 'Always 1; version, role and Node version of the daemon.', [
    'version',
    'role',
    'node',
  ]),
  start_time_seconds: gauge('both', 'When the process started, seconds since the Unix epoch.'),
  health_level: gauge('both', 'Verdict over all: 0 well, 1 starting, 2 attention, 3 failing.'),
  health_reason: gauge('both', '1 for each reason of the verdict, by its code and level.', ['code', 'level']),
  registered: gauge('both', '1 while the hotkey has a uid on the subnet.'),
  actors: gauge('both', 'Actors that live.'),
  machine_transitions_total: counter('both', 'Transitions taken, by machine and event.', [
    'machine',
    'event',
  ]),
  machine_unknown_events_total: counter(
    'both',
    'Events that no state of the machine knows: a defect. Facts sent to the root are none.',
    ['machine'],
  ),
  metrics_failures_total: counter('both', 'Defects while counting or reading metrics; the daemon goes on.'),

  chain_following: gauge('both', '1 while a node is connected and its heads are followed.'),
  chain_head_block: gauge('both', 'Newest finalized block seen.'),
  chain_head_age_seconds: gauge('both', 'Seconds since that block arrived.'),
  chain_lag_blocks: gauge('both', 'Blocks the node in use is behind the highest node known.'),
  chain_endpoints: gauge('both', 'Configured nodes, by whether they answered when asked last.', ['state']),
  chain_spec_version: gauge('both', 'Spec version of the runtime.'),
  chain_opened_total: counter('both', 'Connections to a node that were established.'),
  chain_lost_total: counter('both', 'Connections to a node that were lost.'),
  metagraph_block: gauge('both', 'Block of the metagraph in use.'),
  neurons: gauge('both', 'Neurons of the subnet.'),
  stake_alpha: gauge('both', 'Stake weight of this hotkey, alpha.'),

  session_state: gauge('both', 'Sessions with peers, by state of their machine.', ['state']),
  session_failures_total: counter('both', 'Links to peers that ended or never came to be, by cause.', [
    'cause',
  ]),

  store_well: gauge('both', '1 while the store writes; absent where nothing is kept.'),
  store_backlog: gauge('both', 'Writes that wait for the store.'),
  store_records: gauge('both', 'Records of evidence in the store.'),
  store_troubles_total: counter('both', 'Times the store became unable to write.'),
  resources_short_total: counter('both', 'Times memory, descriptors or disk became short.'),

  eventloop_delay_seconds: gauge('both', 'Delay of timers over the last half minute or more.', ['stat']),
  eventloop_utilization_ratio: gauge('both', 'Share of the time since the last scrape the loop was busy.'),
  gc_seconds_total: counter('both', 'Seconds spent in garbage collection, by kind.', ['kind']),
  heap_used_bytes: gauge('both', 'Heap of V8 in use.'),
  heap_limit_bytes: gauge('both', 'Heap at which V8 gives up.'),
  external_bytes: gauge('both', 'Memory outside the heap that objects of it hold.'),
  resident_memory_bytes: gauge('both', 'Memory of the process, without that of inference workers.'),
  cpu_seconds_total: counter('both', 'CPU time of the process, by mode.', ['mode']),
  open_fds: gauge('both', 'Open file descriptors; absent where the system does not tell.'),

  epoch: gauge('validator', 'Index of the epoch.'),
  epoch_block: gauge('validator', 'Blocks since the epoch began.'),
  epoch_length_blocks: gauge('validator', 'Blocks of the epoch.'),
  weights_due_in_blocks: gauge(
    'validator',
    'Blocks until weights of this epoch are due; negative when past.',
  ),
  weights_last_set_block: gauge('validator', 'Block of the weights of this hotkey confirmed last.'),
  weights_blocks_since_set: gauge('validator', 'Blocks since weights of this hotkey were set last.'),
  weights_behind_epochs: gauge('validator', 'Epochs behind with weights, by the chain itself.'),
  weights_set_total: counter('validator', 'What became of submissions of weights.', ['result']),
  vtrust: gauge('validator', 'Validator trust of the newest epoch known, 0 to 1.'),
  validator_permit: gauge('validator', '1 while this hotkey has a validator permit.'),
  rounds_total: counter('validator', 'Rounds that ended, by result.', ['result']),
  rounds_held: gauge('validator', 'Reasons that keep new rounds from beginning.'),
  rounds_unbalanced_total: counter('validator', 'Rounds whose counts did not add up: a defect.'),
  round_last_end_seconds: gauge('validator', 'When a round ended last, seconds since the Unix epoch.'),
  round_phase_seconds: gauge('validator', 'Phases of the round that ended last.', ['phase']),
  round_cohort: gauge('validator', 'Miners of the newest round.'),
  round_tasks: gauge('validator', 'Tasks of the newest round.'),
  requests_dispatched_total: counter('validator', 'Requests of rounds that were settled.'),
  answers_total: counter('validator', 'Requests of rounds that were settled, by outcome.', ['outcome']),
  epochs_scored_total: counter('validator', 'Epochs that were scored.'),
  score: gauge('validator', 'Scores of the last scored epoch over all miners.', ['stat']),
  uid_score: {
    ...gauge('validator', 'Score of one miner in the last scored epoch.', ['uid']),
    isPerUid: true,
  },
  uid_weight: {
    ...gauge('validator', 'Share of one miner in the weights on chain.', ['uid']),
    isPerUid: true,
  },

  incentive: gauge('miner', 'Incentive of this hotkey, 0 to 1.'),
  rank: gauge('miner', 'Place among neurons with incentive; 1 is the best.'),
  emission_alpha: gauge('miner', 'Emission of the last epoch, alpha.'),
  requests_total: counter('miner', 'Tasks, by what became of them: `received` is all of them.', ['stage']),
  sessions_dismissed_total: counter('miner', 'Links of validators that were ended here, by cause.', [
    'cause',
  ]),
  listener_connections_total: counter('miner', 'TCP connections let in.'),
  listener_links_total: counter('miner', 'Links whose validator proved its hotkey.'),
  listener_refused_total: counter('miner', 'Connections turned away and handshakes refused, by reason.', [
    'reason',
  ]),
  axon_refused_total: counter('miner', 'Times the chain refused the address of this miner.'),
  inference_ready: gauge('miner', '1 while models are loaded and texts are taken.'),
  inference_queue_depth: gauge('miner', 'Texts that wait for a worker.'),
  inference_running: gauge('miner', 'Texts in workers.'),
  inference_batch_texts: gauge('miner', 'Texts of a run, mean of the last minute.'),
  inference_texts_per_second: gauge('miner', 'Texts answered per second, over the last minute.'),
  inference_tokens_per_second: gauge('miner', 'Tokens worked off per second, over the last minute.'),
  inference_latency_seconds: gauge('miner', 'From task to answer in the last minute, by percentile.', [
    'stat',
  ]),
  inference_seconds: histogram('miner', 'From acceptance of a text to its answer.'),
  inference_workers: gauge('miner', 'Worker processes wanted.'),
  inference_workers_ready: gauge('miner', 'Worker processes with their models loaded.'),
  inference_worker_exits_total: counter('miner', 'Workers that ended, by cause.', ['cause']),
  gpu_memory_used_bytes: gauge('miner', 'Memory of the GPU in use, by all programs.'),
  gpu_memory_total_bytes: gauge('miner', 'Memory of the GPU.'),
  gpu_utilization_ratio: gauge('miner', 'Share of the time the GPU was busy.'),
  gpu_temperature_celsius: gauge('miner', 'Temperature of the GPU.'),
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** Name without prefix. */
export type MetricName = keyof typeof metricDefinitions;

/** One number read at a scrape. */
export type Reading = {
  readonly name: MetricName;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
};

/** Definitions of one role, in the order of the table. */
export const definitionsOf = (
  role: 'validator' | 'miner',
): readonly (readonly [MetricName, MetricDefinition])[] =>
  (Object.entries(metricDefinitions) as [MetricName, MetricDefinition][]).filter(
    ([, definition]) => definition.role === 'both' || definition.role === role,
  );
