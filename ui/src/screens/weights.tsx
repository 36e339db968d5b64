import { useMemo } from 'preact/hooks';

import type { WeightHistory, WeightsView } from '../../../src/domain/view/validatorView.ts';
import { useFetched } from '../fetched.ts';
import { blockText, countText, fractionText, pluralText } from '../format.ts';
import { useSlice } from '../live.ts';
import { StateBadge } from '../parts/badges.tsx';
import { EmptyState, Panel, Tile, Tiles } from '../parts/panel.tsx';
import { TimeSeries } from '../parts/timeSeries.tsx';
import { replaceQuery, useLocation } from '../router.ts';
import { isSecret, scoresOf } from '../weights.ts';
import { HeatMap } from './weights/heatMap.tsx';
import { Submissions } from './weights/submissions.tsx';
import { WeightTable } from './weights/weightTable.tsx';
import './weights/weights.css';

/** Scores change once per epoch; the key asks again as soon as one was scored. */
const refreshMs = 60_000;

const Standing = ({ weights }: { weights: WeightsView }) => (
  <Panel
    title="Standing"
    class="span-6 weights-standing"
    note={<code>{weights.state}</code>}
    tools={
      weights.behind > 0 ? (
        <StateBadge state="attention">{pluralText(weights.behind, 'epoch')} behind</StateBadge>
      ) : (
        <StateBadge state="ok">up to date</StateBadge>
      )
    }
  >
    <Tiles>
      <Tile name="Last confirmed" note={`block ${blockText(weights.lastConfirmedAtBlock)}`}>
        {weights.lastConfirmedEpoch === null ? 'none' : `epoch ${countText(weights.lastConfirmedEpoch)}`}
      </Tile>
      <Tile name="Since last set" note="blocks, by the chain">
        {countText(weights.blocksSinceLastSet)}
      </Tile>
      <Tile name="Way" note={weights.isCommitReveal ? 'opened by the chain' : 'visible at once'}>
        {weights.isCommitReveal ? 'commit-reveal' : 'plain'}
      </Tile>
      <Tile name="Validator trust" note={`of ${pluralText(weights.vtrust.length, 'epoch')}`}>
        {fractionText(weights.vtrust.at(-1)?.value)}
      </Tile>
    </Tiles>
    {isSecret(weights) ? (
      <p class="weights-secret">
        The shares of epoch {countText(weights.scoredEpoch)} are secret until the chain has opened its commit;
        anybody who saw them sooner could copy them.
      </p>
    ) : null}
  </Panel>
);

const Trust = ({ points }: { points: WeightsView['vtrust'] }) => {
  const xs = useMemo(() => points.map(({ epoch }) => epoch), [points]);
  const series = useMemo(
    () => [{ label: 'Validator trust', values: points.map(({ value }) => value) }],
    [points],
  );
  return (
    <Panel title="Validator trust by epoch" class="span-6">
      {points.length === 0 ? (
        <EmptyState title="Not known yet">The chain computes it at the end of an epoch.</EmptyState>
      ) : (
        <TimeSeries label="Validator trust by epoch" xLabel="Epoch" xs={xs} series={series} heightPx={150} />
      )}
    </Panel>
  );
};

const MinerHistory = ({ history, uid }: { history: WeightHistory; uid: number }) => {
  const scores = scoresOf(history, uid);
  const series = useMemo(() => (scores === null ? [] : [{ label: `uid ${uid}`, values: scores }]), [scores]);
  if (scores === null) {
    return <EmptyState title={`uid ${uid} was not scored in these epochs`} />;
  }
  return (
    <TimeSeries
      label={`Score of uid ${uid} by epoch`}
      xLabel="Epoch"
      xs={history.epochs}
      series={series}
      range={[0, 1]}
    />
  );
};

const History = (props: { scoredEpoch: number | null; uid: number | null }) => {
  const fetched = useFetched<WeightHistory>('/api/history', refreshMs, props.scoredEpoch ?? -1);
  const history = fetched.value;
  const uid = props.uid ?? history?.uids[0] ?? null;
  if (history === null || history.epochs.length === 0) {
    const title = fetched.state === 'loading' ? 'Loading' : 'No scored epochs yet';
    return (
      <Panel title="History" class="span-6">
        <EmptyState title={title}>
          {fetched.state === 'failed' ? fetched.reason : 'Scores are computed once per epoch.'}
        </EmptyState>
      </Panel>
    );
  }
  return (
    <div class="span-6 weights-history">
      <Panel
        title={uid === null ? 'Score' : `Score of uid ${uid}`}
        note="choose a row or a point of the map"
        tools={uid === null ? undefined : <a href={`/sessions/${uid}`}>Session</a>}
      >
        {uid === null ? null : <MinerHistory history={history} uid={uid} />}
      </Panel>
      <HeatMap
        history={history}
        selected={uid}
        onSelect={(chosen) => replaceQuery({ uid: String(chosen) })}
      />
    </div>
  );
};

/** Why this weight: from scores to what is on the chain, and every way it was sent there. */
export const WeightsScreen = () => {
  const weights = useSlice<WeightsView>('weights');
  const { query } = useLocation();
  const asked = query.get('uid');
  const uid = asked !== null && /^\d+$/.test(asked) ? Number(asked) : null;
  if (weights === undefined) return <EmptyState title="Nothing is known of weights yet" />;
  return (
    <div class="columns">
      <Standing weights={weights} />
      <Trust points={weights.vtrust} />
      <WeightTable
        weights={weights}
        selected={uid}
        onSelect={(chosen) => replaceQuery({ uid: String(chosen) })}
      />
      <History scoredEpoch={weights.scoredEpoch} uid={uid} />
      <Submissions rows={weights.submissions} />
    </div>
  );
};
