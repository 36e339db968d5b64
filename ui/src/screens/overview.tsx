import type { ChainView, LogLine, RuntimeView, StoreView } from '../../../src/domain/view/commonView.ts';
import type { EpochView, RoundRow, SessionRow, WeightsView } from '../../../src/domain/view/validatorView.ts';
import { useRows, useSlice } from '../live.ts';
import { EmptyState, Panel } from '../parts/panel.tsx';
import { Legend, UidGrid } from '../parts/uidGrid.tsx';
import { navigate } from '../router.ts';
import { byUid, cellStates, countStates, hasLink } from '../sessionStates.ts';
import { ChainPanel } from './overview/chainPanel.tsx';
import { EpochPanel } from './overview/epochPanel.tsx';
import { GuessingNote } from './overview/guessingNote.tsx';
import { HousePanel } from './overview/housePanel.tsx';
import { RoundPanel } from './overview/roundPanel.tsx';
import { TrustPanel } from './overview/trustPanel.tsx';
import { WarningsPanel } from './overview/warningsPanel.tsx';
import './overview/overview.css';

const MinersPanel = () => {
  const rows = byUid(useRows<SessionRow>('sessions'));
  const counts = countStates(rows);
  return (
    <Panel
      title="Miners"
      class="span-8"
      note={`${rows.length} neurons, ${rows.filter(hasLink).length} with a link`}
      tools={<a href="/sessions">Sessions</a>}
    >
      {rows.length === 0 ? (
        <EmptyState title="No miners yet">They appear with the first metagraph.</EmptyState>
      ) : (
        <>
          <GuessingNote rows={rows} />
          <UidGrid label="Miners by uid" rows={rows} onOpen={(uid) => navigate(`/sessions/${uid}`)} />
          <Legend counts={counts} states={cellStates} />
        </>
      )}
    </Panel>
  );
};

/** Is all well, and what is next: the validator on one page. */
export const OverviewScreen = () => {
  const epoch = useSlice<EpochView | null>('epoch');
  const weights = useSlice<WeightsView>('weights');
  const rounds = useSlice<readonly RoundRow[]>('rounds') ?? [];
  const chain = useSlice<ChainView>('chain');
  return (
    <div class="columns overview">
      <EpochPanel epoch={epoch ?? null} weights={weights} />
      <TrustPanel weights={weights} />
      <MinersPanel />
      <div class="span-4 overview-stack">
        <RoundPanel round={rounds[0]} />
        <ChainPanel chain={chain} />
      </div>
      <WarningsPanel lines={useSlice<readonly LogLine[]>('warnings') ?? []} />
      <HousePanel store={useSlice<StoreView>('store')} runtime={useSlice<RuntimeView>('runtime')} />
    </div>
  );
};
