import type { RuntimeView, StoreView } from '../../../../src/domain/view/commonView.ts';
import { bytesText, countText, durationText, percentText } from '../../format.ts';
import { StateBadge } from '../../parts/badges.tsx';
import { Facts, Panel } from '../../parts/panel.tsx';

/** The process and what it writes. Also used by the miner's overview. */
export const HousePanel = (props: { store: StoreView | undefined; runtime: RuntimeView | undefined }) => {
  const { store, runtime } = props;
  const isWell = store?.lastFailure === null || store?.lastFailure === undefined;
  return (
    <Panel title="Store and process" class="span-4">
      <Facts
        facts={[
          [
            'Store',
            <StateBadge key="store" state={store === undefined ? 'starting' : isWell ? 'ok' : 'failing'}>
              {store?.state ?? 'unknown'}
              {isWell ? '' : `: ${store?.lastFailure}`}
            </StateBadge>,
          ],
          ['Waiting to be written', countText(store?.backlog)],
          ['Records', countText(store?.records)],
          ['Event loop p99', durationText(runtime?.loopDelayP99Ms)],
          ['Memory', `${bytesText(runtime?.rssBytes)}, heap ${bytesText(runtime?.heapBytes)}`],
          ['CPU', percentText(runtime?.cpuFraction)],
          ['Descriptors', countText(runtime?.descriptors)],
        ]}
      />
    </Panel>
  );
};
