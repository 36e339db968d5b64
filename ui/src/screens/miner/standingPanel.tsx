import type { StandingView } from '../../../../src/domain/view/minerView.ts';
import { amountText, blockText, countText, fractionText, signedText } from '../../format.ts';
import { EmptyState, Facts, Panel, Tile, Tiles } from '../../parts/panel.tsx';
import { Sparkline } from '../../parts/sparkline.tsx';

const Trend = ({ history }: { history: StandingView['history'] }) => {
  const first = history[0];
  const last = history.at(-1);
  if (first === undefined || last === undefined || history.length < 2) return null;
  const range = `block ${blockText(first.block)} to ${blockText(last.block)}`;
  return (
    <figure class="standing-trend">
      <Sparkline
        label={`Incentive from ${range}: ${fractionText(first.incentive, 5)} to ${fractionText(last.incentive, 5)}`}
        values={history.map(({ incentive }) => incentive)}
        heightPx={72}
      />
      <figcaption>
        {signedText(last.incentive - first.incentive, 5)} from {range}
      </figcaption>
    </figure>
  );
};

/** How the chain values this miner, and where validators find it. */
export const StandingPanel = ({ standing }: { standing: StandingView | undefined }) => (
  <Panel title="Standing" class="span-8">
    {standing === undefined ? (
      <EmptyState title="Not known yet">It comes with the first metagraph.</EmptyState>
    ) : (
      <div class="standing">
        <Tiles>
          <Tile name="Incentive">{fractionText(standing.incentive, 5)}</Tile>
          <Tile name="Rank" note={`of ${countText(standing.ranked)} with incentive`}>
            {standing.rank === null ? 'none' : countText(standing.rank)}
          </Tile>
          <Tile name="Emission of the last epoch">{amountText(standing.emission)} α</Tile>
        </Tiles>
        <Trend history={standing.history} />
        <Facts
          facts={[
            ['Listens at', <code key="axon">{standing.axon ?? 'nothing'}</code>],
            ['Announced', <code key="announced">{standing.announced ?? 'not yet'}</code>],
          ]}
        />
      </div>
    )}
  </Panel>
);
