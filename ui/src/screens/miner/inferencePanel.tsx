import type { InferenceView } from '../../../../src/domain/view/minerView.ts';
import { amountText, countText, durationText, percentText, pluralText } from '../../format.ts';
import { StateBadge } from '../../parts/badges.tsx';
import type { GlyphName } from '../../parts/glyph.tsx';
import { EmptyState, Facts, Panel } from '../../parts/panel.tsx';

/** Shape for the whole: all workers ready, some, or none. */
export const inferenceLevel = ({ workers }: InferenceView): GlyphName => {
  const ready = workers.filter(({ isReady }) => isReady).length;
  if (workers.length === 0) return 'starting';
  return ready === workers.length ? 'ok' : ready === 0 ? 'failing' : 'attention';
};

export const readyText = ({ workers, slots }: InferenceView): string =>
  `${workers.filter(({ isReady }) => isReady).length} of ${pluralText(slots, 'worker')} ready`;

/** Inference in a few lines; the screen of that name has the rest. */
export const InferencePanel = ({ inference }: { inference: InferenceView | undefined }) => (
  <Panel title="Inference" class="span-4" tools={<a href="/inference">Inference</a>}>
    {inference === undefined ? (
      <EmptyState title="Nothing known yet" />
    ) : (
      <Facts
        facts={[
          [
            'State',
            <StateBadge key="state" state={inferenceLevel(inference)}>
              {inference.state}
            </StateBadge>,
          ],
          ['Workers', readyText(inference)],
          ['Provider', inference.provider ?? 'not known yet'],
          ['Queue', `${countText(inference.queued)} waiting, ${countText(inference.running)} running`],
          ['Tokens per second', amountText(inference.tokensPerSecond)],
          ['Latency p95', durationText(inference.latencyMs?.p95)],
          [
            'GPU',
            inference.gpu === null
              ? 'none'
              : `${inference.gpu.name}, ${percentText(inference.gpu.utilization, 0)}`,
          ],
        ]}
      />
    )}
  </Panel>
);
