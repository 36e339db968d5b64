import type { ChainView, LogLine, RuntimeView, StoreView } from '../../../../src/domain/view/commonView.ts';
import type {
  InferenceView,
  MinerSlices,
  ServedRow,
  StandingView,
} from '../../../../src/domain/view/minerView.ts';
import { percentText } from '../../format.ts';
import { useRows, useSlice } from '../../live.ts';
import { EmptyState, Panel } from '../../parts/panel.tsx';
import { ChainPanel } from '../overview/chainPanel.tsx';
import { HousePanel } from '../overview/housePanel.tsx';
import { WarningsPanel } from '../overview/warningsPanel.tsx';
import { FateBar, FateList } from './fateBar.tsx';
import { InferencePanel } from './inferencePanel.tsx';
import { wastedShare } from './requestCounts.ts';
import { ServedTable } from './servedTable.tsx';
import { StandingPanel } from './standingPanel.tsx';
import '../overview/overview.css';
import './miner.css';

const RequestsPanel = ({ requests }: { requests: MinerSlices['requests'] | undefined }) => (
  <Panel
    title="Requests"
    class="span-4"
    note={requests === undefined ? undefined : `${percentText(wastedShare(requests.totals))} earned nothing`}
    tools={<a href="/requests">Requests</a>}
  >
    {requests === undefined || requests.totals.received === 0 ? (
      <EmptyState title="No request yet">They come with the next round of a validator.</EmptyState>
    ) : (
      <>
        <FateBar counts={requests.totals} />
        <FateList counts={requests.totals} />
      </>
    )}
  </Panel>
);

const ServedPanel = () => {
  const rows = [...useRows<ServedRow>('served').values()];
  const linked = rows.filter(({ state }) => state !== 'closed').length;
  return (
    <Panel title="Validators served" class="span-8" isFlush note={`${linked} of ${rows.length} with a link`}>
      <ServedTable rows={rows} />
    </Panel>
  );
};

/** Is all well, and what does it earn: the miner on one page. */
export const MinerOverviewScreen = () => (
  <div class="columns">
    <StandingPanel standing={useSlice<StandingView>('standing')} />
    <RequestsPanel requests={useSlice<MinerSlices['requests']>('requests')} />
    <ServedPanel />
    <div class="span-4 miner-stack">
      <InferencePanel inference={useSlice<InferenceView>('inference')} />
      <ChainPanel chain={useSlice<ChainView>('chain')} />
    </div>
    <WarningsPanel lines={useSlice<readonly LogLine[]>('warnings') ?? []} />
    <HousePanel store={useSlice<StoreView>('store')} runtime={useSlice<RuntimeView>('runtime')} />
  </div>
);
