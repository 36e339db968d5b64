import type { RoundRow } from '../../../src/domain/view/validatorView.ts';
import { useNow } from '../clock.ts';
import { countText, durationText } from '../format.ts';
import { useSlice } from '../live.ts';
import { StateBadge, Time } from '../parts/badges.tsx';
import type { GlyphName } from '../parts/glyph.tsx';
import { EmptyState, Panel } from '../parts/panel.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { answeredShare, pairsOf } from '../roundCounts.ts';
import { replaceQuery, useLocation } from '../router.ts';
import { OutcomeBar } from './rounds/outcomeBar.tsx';
import { RoundDetail } from './rounds/roundDetail.tsx';
import './rounds/rounds.css';

const Took = ({ round }: { round: RoundRow }) => {
  const now = useNow();
  return <>{durationText((round.endedAt ?? now) - round.startedAt)}</>;
};

/** A round that was given up counts against nobody, and is worth a look. */
const stateGlyph = ({ state }: RoundRow): GlyphName => (state === 'abandoned' ? 'attention' : 'ready');

const hrefOf = ({ roundId }: RoundRow): string => `/rounds?round=${encodeURIComponent(roundId)}`;

const columns: readonly Column<RoundRow>[] = [
  {
    key: 'round',
    title: 'Round',
    isLine: true,
    show: (round) => (
      <span class="rounds-id">
        <StateBadge state={round.endedAt === null ? 'busy' : stateGlyph(round)}>
          <span class="hidden-text">{round.state}</span>
        </StateBadge>
        <a href={hrefOf(round)}>{round.roundId}</a>
      </span>
    ),
  },
  { key: 'at', title: 'Began', isLine: true, show: ({ startedAt }) => <Time at={startedAt} /> },
  {
    key: 'judged',
    title: 'Judged',
    isRight: true,
    show: (round) => answeredShare(round),
    sort: (round) => (pairsOf(round) === 0 ? null : round.counts.judged / pairsOf(round)),
  },
  {
    key: 'answers',
    title: 'Answers',
    show: (round) => (
      <div class="rounds-bar">
        <OutcomeBar counts={round.counts} total={pairsOf(round)} />
      </div>
    ),
  },
  {
    key: 'took',
    title: 'Took',
    isRight: true,
    show: (round) => <Took round={round} />,
    sort: ({ startedAt, endedAt }) => (endedAt === null ? null : endedAt - startedAt),
  },
];

/** What happened in each round: how long its phases took, who was slow, and why answers did not count. */
export const RoundsScreen = () => {
  const rounds = useSlice<readonly RoundRow[]>('rounds') ?? [];
  const { query } = useLocation();
  const wanted = query.get('round');
  const chosen = wanted === null ? rounds[0] : rounds.find(({ roundId }) => roundId === wanted);
  return (
    <div class="columns rounds">
      <Panel title="Rounds" class="span-5 rounds-list" isFlush note={`the last ${countText(rounds.length)}`}>
        <Table
          caption="Rounds, newest first"
          columns={columns}
          rows={rounds}
          keyOf={({ roundId }) => roundId}
          onOpen={({ roundId }) => replaceQuery({ round: roundId })}
          isSelected={(round) => round === chosen}
          empty={
            <EmptyState title="No round yet">
              The first one begins when at least one miner has a link.
            </EmptyState>
          }
        />
      </Panel>
      {chosen === undefined ? (
        <Panel title="Round" class="span-7">
          <EmptyState
            title={wanted === null ? 'Nothing to show yet' : `Round ${wanted} is not among the last`}
          >
            {wanted === null ? null : <a href="/rounds">The newest one</a>}
          </EmptyState>
        </Panel>
      ) : (
        <RoundDetail round={chosen} isNewest={wanted === null} />
      )}
    </div>
  );
};
