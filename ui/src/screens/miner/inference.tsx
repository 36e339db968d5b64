import type { InferenceView } from '../../../../src/domain/view/minerView.ts';
import {
  amountText,
  bytesText,
  countText,
  durationText,
  fractionText,
  percentText,
  timeText,
} from '../../format.ts';
import { useSlice } from '../../live.ts';
import { StateBadge } from '../../parts/badges.tsx';
import { EmptyState, Facts, Panel, Tile, Tiles } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { TimeSeries } from '../../parts/timeSeries.tsx';
import { usePreferences } from '../../preferences.ts';
import { inferenceLevel, readyText } from './inferencePanel.tsx';
import './miner.css';

/** Above this, the next model or batch may no longer fit. */
const highShare = 0.9;

const Now = ({ inference }: { inference: InferenceView }) => (
  <Panel
    title="Now"
    class="span-12"
    note={readyText(inference)}
    tools={<StateBadge state={inferenceLevel(inference)}>{inference.state}</StateBadge>}
  >
    {inference.note === null ? null : <p class="inference-note">{inference.note}</p>}
    <Tiles>
      <Tile name="Waiting">{countText(inference.queued)}</Tile>
      <Tile name="Running">{countText(inference.running)}</Tile>
      <Tile name="Mean batch">{amountText(inference.meanBatch)}</Tile>
      <Tile name="Batches per second">{amountText(inference.batchesPerSecond)}</Tile>
      <Tile name="Items per second">{amountText(inference.itemsPerSecond)}</Tile>
      <Tile name="Tokens per second">{amountText(inference.tokensPerSecond)}</Tile>
      <Tile name="Latency p50">{durationText(inference.latencyMs?.p50)}</Tile>
      <Tile name="Latency p95">{durationText(inference.latencyMs?.p95)}</Tile>
      <Tile name="Latency p99">{durationText(inference.latencyMs?.p99)}</Tile>
    </Tiles>
  </Panel>
);

const History = ({ history }: { history: InferenceView['history'] }) => {
  const { zone } = usePreferences();
  const xs = history.map(({ at }) => at);
  const showX = (at: number): string => timeText(at, zone);
  if (history.length < 2) {
    return (
      <Panel title="Last two minutes" class="span-12">
        <EmptyState title="Not enough yet">A point is added each second.</EmptyState>
      </Panel>
    );
  }
  return (
    <>
      <Panel title="Queue and items, last two minutes" class="span-6">
        <TimeSeries
          label="Requests waiting, and items computed in each second"
          xLabel="time"
          xs={xs}
          series={[
            { label: 'waiting', values: history.map(({ queued }) => queued) },
            { label: 'items', values: history.map(({ items }) => items) },
          ]}
          showX={showX}
          showY={(value) => (value === null ? '–' : fractionText(value, 0))}
        />
      </Panel>
      <Panel title="Latency p95, last two minutes" class="span-6">
        <TimeSeries
          label="95th percentile of the latency in each second, in milliseconds"
          xLabel="time"
          xs={xs}
          series={[{ label: 'p95 ms', values: history.map(({ p95Ms }) => p95Ms) }]}
          showX={showX}
          showY={(value) => (value === null ? '–' : fractionText(value, 0))}
        />
      </Panel>
    </>
  );
};

const Workers = ({ workers }: { workers: InferenceView['workers'] }) => (
  <Panel title="Workers" class="span-8" isFlush>
    <Table
      caption="Worker processes that compute"
      rows={workers}
      keyOf={({ slot }) => slot}
      columns={[
        { key: 'slot', title: 'Slot', show: ({ slot }) => slot, sort: ({ slot }) => slot },
        {
          key: 'state',
          title: 'State',
          isLine: true,
          show: ({ isReady }) => (
            <StateBadge state={isReady ? 'ok' : 'failing'}>{isReady ? 'ready' : 'not ready'}</StateBadge>
          ),
        },
        { key: 'restarts', title: 'Restarts', isRight: true, show: ({ restarts }) => countText(restarts) },
        { key: 'exit', title: 'Last end', show: ({ lastExit }) => lastExit ?? 'none' },
      ]}
      empty={<EmptyState title="No worker has started" />}
    />
  </Panel>
);

/** The figure that stands beside it, as a bar for the eye. */
const Meter = ({ share }: { share: number }) => (
  <div class={`meter ${share > highShare ? 'meter-high' : ''}`} aria-hidden="true">
    <span style={{ width: `${Math.min(100, share * 100)}%` }} />
  </div>
);

const Device = ({ inference }: { inference: InferenceView }) => {
  const { gpu, provider } = inference;
  return (
    <Panel title="Device" class="span-4" note={provider ?? undefined}>
      {gpu === null ? (
        <EmptyState title="No GPU is seen">
          {provider === null ? 'The provider is not known yet.' : `Computed by the provider ${provider}.`}
        </EmptyState>
      ) : (
        <Facts
          facts={[
            ['GPU', gpu.name],
            [
              'Memory',
              <div key="memory">
                {bytesText(gpu.usedBytes)} of {bytesText(gpu.totalBytes)}
                <Meter share={gpu.usedBytes / gpu.totalBytes} />
              </div>,
            ],
            [
              'Use',
              <div key="use">
                {percentText(gpu.utilization, 0)}
                <Meter share={gpu.utilization} />
              </div>,
            ],
            ['Temperature', `${countText(gpu.celsius)} °C`],
          ]}
        />
      )}
    </Panel>
  );
};

/** Is the device the limit: queue, throughput, latency, workers. */
export const InferenceScreen = () => {
  const inference = useSlice<InferenceView>('inference');
  if (inference === undefined) return <EmptyState title="Nothing known yet" />;
  return (
    <div class="columns">
      <Now inference={inference} />
      <History history={inference.history} />
      <Workers workers={inference.workers} />
      <Device inference={inference} />
    </div>
  );
};
