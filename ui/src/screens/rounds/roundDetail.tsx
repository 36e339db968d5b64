import type { RoundRow } from '../../../../src/domain/view/validatorView.ts';
import { useNow } from '../../clock.ts';
import { blockText, countText, durationText, percentText, pluralText } from '../../format.ts';
import { deadlineAt, ganttOf } from '../../gantt.ts';
import { StateBadge } from '../../parts/badges.tsx';
import { EmptyState, Panel, Tile, Tiles } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { outcomes, pairsOf } from '../../roundCounts.ts';
import { OutcomeBar } from './outcomeBar.tsx';

const percent = (share: number): string => `${(share * 100).toFixed(2)}%`;

const Track = (props: { from: number; width: number; class: string }) => (
  <span
    class={`gantt-bar ${props.class}`}
    style={{ left: percent(props.from), width: `max(2px, ${percent(props.width)})` }}
  />
);

const tickText = (ms: number): string => (ms % 100 === 0 ? `${ms / 1_000} s` : `${ms} ms`);

/** Phases of a round as bars on one axis, with the line of its deadline. */
const GanttChart = ({ round }: { round: RoundRow }) => {
  const now = useNow(500);
  const { bars, deadlineShare, spanMs, ticks } = ganttOf(round, now);
  return (
    <div class="gantt">
      <ul class="gantt-rows">
        {bars.map((bar) => (
          <li key={`${bar.name} ${bar.from}`}>
            <span class="gantt-name">{bar.name}</span>
            <span class="gantt-track">
              <Track from={bar.from} width={bar.width} class={bar.isOpen ? 'gantt-open' : ''} />
            </span>
            <span class="gantt-ms">
              {durationText(bar.ms)}
              {bar.isOpen ? <span class="hidden-text"> so far</span> : null}
            </span>
          </li>
        ))}
      </ul>
      <div class="gantt-axis" aria-hidden="true">
        <span class="gantt-deadline" style={{ left: percent(deadlineShare) }}>
          <span>deadline</span>
        </span>
        {ticks.map((tick) => (
          <span key={tick} class="gantt-tick" style={{ left: percent(tick / spanMs) }}>
            {tickText(tick)}
          </span>
        ))}
      </div>
    </div>
  );
};

const Figures = ({ round }: { round: RoundRow }) => {
  const now = useNow();
  const left = deadlineAt(round) - now;
  return (
    <Tiles>
      <Tile name="Asked" note={`${pluralText(round.tasks, 'task')} each`}>
        {pluralText(round.cohort, 'miner')}
      </Tile>
      <Tile name="Judged" note={`of ${countText(pairsOf(round))} answers`}>
        {pairsOf(round) === 0 ? '–' : percentText(round.counts.judged / pairsOf(round))}
      </Tile>
      <Tile
        name={round.endedAt === null ? 'Since' : 'Took'}
        note={
          round.endedAt === null && left > 0
            ? `${durationText(left)} left`
            : `deadline ${durationText(round.deadlineMs)}`
        }
      >
        {durationText((round.endedAt ?? now) - round.startedAt)}
      </Tile>
      <Tile name="Block" note={`epoch ${countText(round.epoch)}`}>
        {blockText(round.block)}
      </Tile>
    </Tiles>
  );
};

const Counts = ({ round }: { round: RoundRow }) => {
  const open = pairsOf(round) - outcomes.reduce((sum, { key }) => sum + round.counts[key], 0);
  return (
    <ul class="rounds-counts">
      {outcomes.map(({ key, word, help }) => (
        <li key={key} title={help} data-zero={round.counts[key] === 0 ? '' : undefined}>
          <span class={`rounds-swatch outcome-${key}`} />
          {word} <b>{countText(round.counts[key])}</b>
        </li>
      ))}
      {open > 0 ? (
        <li>
          <span class="rounds-swatch" />
          open <b>{countText(open)}</b>
        </li>
      ) : null}
    </ul>
  );
};

const Slowest = ({ round }: { round: RoundRow }) => (
  <Panel title="Slowest" isFlush>
    <Table
      caption="Slowest miners of the round"
      rows={round.slowest}
      keyOf={({ uid }) => uid}
      columns={[
        { key: 'uid', title: 'uid', show: ({ uid }) => <a href={`/sessions/${uid}`}>{uid}</a> },
        {
          key: 'bar',
          title: 'of the deadline',
          show: ({ ms }) => (
            <span class="gantt-track rounds-slow">
              <Track from={0} width={Math.min(1, ms / round.deadlineMs)} class="" />
            </span>
          ),
        },
        { key: 'ms', title: 'Time', isRight: true, show: ({ ms }) => durationText(ms) },
      ]}
      empty={<EmptyState title="No answer yet" />}
    />
  </Panel>
);

const Failures = ({ round }: { round: RoundRow }) => (
  <Panel title="Why answers did not count" isFlush>
    <Table
      caption="Reasons of answers that did not count, most frequent first"
      rows={round.failures}
      keyOf={({ reason }) => reason}
      columns={[
        { key: 'reason', title: 'Reason', show: ({ reason }) => reason },
        { key: 'count', title: 'Answers', isRight: true, show: ({ count }) => countText(count) },
      ]}
      empty={<EmptyState title="None so far">Every answer that came was graded.</EmptyState>}
    />
  </Panel>
);

/** One round: its phases in time, what became of its answers, who was slow and what failed. */
export const RoundDetail = ({ round, isNewest }: { round: RoundRow; isNewest: boolean }) => (
  <div class="span-7 rounds-detail">
    <Panel
      title={`Round ${round.roundId}`}
      note={<StateBadge state={round.endedAt === null ? 'busy' : 'ready'}>{round.state}</StateBadge>}
      tools={
        isNewest ? (
          <span class="panel-note">follows the newest</span>
        ) : (
          <a href="/rounds">Follow the newest</a>
        )
      }
    >
      <div class="rounds-about">
        <Figures round={round} />
        <GanttChart round={round} />
        <OutcomeBar counts={round.counts} total={pairsOf(round)} />
        <Counts round={round} />
      </div>
    </Panel>
    <div class="rounds-pair">
      <Slowest round={round} />
      <Failures round={round} />
    </div>
  </div>
);
