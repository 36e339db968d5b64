import type { RoundRow } from '../../../../src/domain/view/validatorView.ts';
import { useNow } from '../../clock.ts';
import { clockText, countText, durationText, pluralText } from '../../format.ts';
import { StateBadge, Time } from '../../parts/badges.tsx';
import { EmptyState, Panel } from '../../parts/panel.tsx';
import { answeredShare, outcomes } from '../../roundCounts.ts';
import { OutcomeBar } from '../rounds/outcomeBar.tsx';

const Clock = ({ round }: { round: RoundRow }) => {
  const now = useNow();
  if (round.endedAt !== null) return <>took {durationText(round.endedAt - round.startedAt)}</>;
  const left = round.startedAt + round.deadlineMs - now;
  return <>{left > 0 ? `${clockText(left)} to its deadline` : 'past its deadline'}</>;
};

/** The round under way, or the last one: how many answered and what the others did. */
export const RoundPanel = ({ round }: { round: RoundRow | undefined }) => (
  <Panel
    title={round?.endedAt === null ? 'Current round' : 'Last round'}
    note={round === undefined ? undefined : <Time at={round.startedAt} />}
    tools={<a href="/rounds">Rounds</a>}
  >
    {round === undefined ? (
      <EmptyState title="No round yet">The first one begins when miners are linked.</EmptyState>
    ) : (
      <>
        <p class="overview-line">
          <StateBadge state={round.endedAt === null ? 'busy' : 'ok'}>{round.state}</StateBadge>
          <span class="panel-note">
            {pluralText(round.cohort, 'miner')}, {pluralText(round.tasks, 'task')}, <Clock round={round} />
          </span>
        </p>
        <OutcomeBar counts={round.counts} total={round.cohort * round.tasks} />
        <p class="overview-line">
          <span>
            <b>{countText(round.counts.judged)}</b> judged of {countText(round.cohort * round.tasks)} (
            {answeredShare(round)})
          </span>
          <span class="panel-note">
            {outcomes
              .filter(({ key }) => key !== 'judged' && round.counts[key] > 0)
              .map(({ key, word }) => `${countText(round.counts[key])} ${word}`)
              .join(' · ')}
          </span>
        </p>
      </>
    )}
  </Panel>
);
