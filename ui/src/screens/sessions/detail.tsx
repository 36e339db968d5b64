import { useMemo } from 'preact/hooks';

import type { SessionDetail, SessionRow } from '../../../../src/domain/view/validatorView.ts';
import { useFetched } from '../../fetched.ts';
import { amountText, countText, durationText, fractionText, wordsText } from '../../format.ts';
import { Hotkey, StateBadge, Time } from '../../parts/badges.tsx';
import { EmptyState, Facts, Panel, Tile, Tiles } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { TimeSeries } from '../../parts/timeSeries.tsx';
import { cellStateOf, stateHelp, stateWords } from '../../sessionStates.ts';
import { GuessingNote } from '../overview/guessingNote.tsx';
import { OutcomeBar } from '../rounds/outcomeBar.tsx';

/** How often the detail is asked for; its row in the stream is newer. */
const refreshMs = 5_000;
const shownMost = 60;

const Figures = ({ row }: { row: SessionRow }) => (
  <Tiles>
    <Tile name="Accuracy" note={`guessing gives ${fractionText(row.recent.chance, 2)}`}>
      {fractionText(row.recent.accuracy)}
    </Tile>
    <Tile name="Median response" note={`round trip ${durationText(row.rttMs)}`}>
      {durationText(row.recent.medianMs)}
    </Tile>
    <Tile name="Answers judged" note={`${countText(row.recent.missed + row.recent.late)} not in time`}>
      {countText(row.recent.judged)}
    </Tile>
    <Tile name="Incentive" note={`stake ${amountText(row.stake)}`}>
      {fractionText(row.incentive, 5)}
    </Tile>
  </Tiles>
);

const Identity = ({ row }: { row: SessionRow }) => (
  <Facts
    facts={[
      ['Hotkey', <Hotkey key="hotkey" hotkey={row.hotkey} />],
      ['Address', row.axon ?? 'none: the miner dials, or has published none'],
      ['Machine', <code key="machine">{row.machineState}</code>],
      ['Kinds', row.kinds.map(wordsText).join(', ') || 'not told yet'],
      ...(row.attempt > 0 ? [['Attempt', countText(row.attempt)] as const] : []),
      ...(row.lastFailure === null ? [] : [['Last failure', row.lastFailure] as const]),
    ]}
  />
);

const totalOf = ({ recent }: SessionRow): number =>
  recent.judged + recent.invalid + recent.refused + recent.missed + recent.late + recent.unreachable;

const Scores = ({ scores }: { scores: SessionDetail['scores'] }) => {
  // The newest epoch comes last in a chart, wherever it comes in the answer.
  const sorted = useMemo(() => scores.toSorted((a, b) => a.epoch - b.epoch), [scores]);
  const xs = useMemo(() => sorted.map(({ epoch }) => epoch), [sorted]);
  const series = useMemo(
    () => [
      { label: 'Score', values: sorted.map(({ score }) => score) },
      { label: 'Quality', values: sorted.map(({ quality }) => quality) },
      { label: 'Trust', values: sorted.map(({ trust }) => trust) },
    ],
    [sorted],
  );
  return (
    <TimeSeries
      label="Score, quality and trust by epoch"
      xLabel="Epoch"
      xs={xs}
      series={series}
      range={[0, 1]}
    />
  );
};

const Answers = ({ answers }: { answers: SessionDetail['answers'] }) => (
  <Table
    caption="Recent answers, newest first"
    rows={answers.slice(0, shownMost).map((answer, index) => ({ ...answer, index }))}
    keyOf={({ index }) => index}
    columns={[
      { key: 'at', title: 'At', isLine: true, show: ({ at }) => <Time at={at} /> },
      { key: 'kind', title: 'Kind', show: ({ kind }) => wordsText(kind) },
      { key: 'outcome', title: 'Outcome', show: ({ outcome }) => outcome },
      {
        key: 'accuracy',
        title: 'Accuracy',
        isRight: true,
        show: ({ accuracy }) => fractionText(accuracy, 2),
      },
      { key: 'ms', title: 'Time', isRight: true, show: ({ responseMs }) => durationText(responseMs) },
      {
        key: 'round',
        title: 'Round',
        show: ({ roundId }) => <a href={`/rounds?round=${encodeURIComponent(roundId)}`}>{roundId}</a>,
      },
    ]}
    empty={<EmptyState title="No answers yet" />}
  />
);

const Timeline = ({ timeline }: { timeline: SessionDetail['timeline'] }) => (
  <Table
    caption="States the session went through, newest first"
    rows={timeline.slice(0, shownMost).map((entry, index) => ({ ...entry, index }))}
    keyOf={({ index }) => index}
    columns={[
      { key: 'at', title: 'At', isLine: true, show: ({ at }) => <Time at={at} /> },
      { key: 'state', title: 'State', show: ({ state }) => <code>{state}</code> },
      { key: 'by', title: 'Because of', show: ({ by }) => <code>{by}</code> },
    ]}
    empty={<EmptyState title="Nothing has happened since this page's daemon began" />}
  />
);

const Parts = ({ detail }: { detail: SessionDetail }) => (
  <>
    <Panel title="Scores">
      {detail.scores.length === 0 ? (
        <EmptyState title="Not scored yet">Scores are computed once per epoch.</EmptyState>
      ) : (
        <Scores scores={detail.scores} />
      )}
    </Panel>
    <div class="sessions-pair">
      <Panel title="Recent answers" isFlush>
        <Answers answers={detail.answers} />
      </Panel>
      <Panel title="Timeline" isFlush>
        <Timeline timeline={detail.timeline} />
      </Panel>
    </div>
  </>
);

/** One miner: its session, its answers, its scores. */
export const SessionDetailPanel = ({ uid, row }: { uid: number; row: SessionRow | undefined }) => {
  const fetched = useFetched<SessionDetail>(`/api/sessions/${uid}`, refreshMs);
  const shown = row ?? fetched.value?.row;
  if (shown === undefined) {
    return (
      <Panel title={`uid ${uid}`} class="span-8" tools={<a href="/sessions">All miners</a>}>
        <EmptyState title={fetched.state === 'loading' ? 'Loading' : `No miner has uid ${uid}`} />
      </Panel>
    );
  }
  const state = cellStateOf(shown);
  return (
    <div class="span-8 sessions-detail">
      <Panel
        title={`uid ${uid}`}
        note={
          <span title={stateHelp[state]}>
            <StateBadge state={state}>{stateWords[state]}</StateBadge>
          </span>
        }
        tools={
          <>
            {shown.sessionId === null ? null : (
              <a href={`/machines?actor=${encodeURIComponent(shown.sessionId)}`}>Its machine</a>
            )}
            <a href={`/sessions${window.location.search}`}>All miners</a>
          </>
        }
      >
        <div class="sessions-about">
          <GuessingNote rows={[shown]} />
          <Figures row={shown} />
          <OutcomeBar counts={{ ...shown.recent, dispatched: 0, lost: 0 }} total={totalOf(shown)} />
          <Identity row={shown} />
        </div>
      </Panel>
      {fetched.state === 'failed' ? (
        <EmptyState title="The rest cannot be shown">{fetched.reason}</EmptyState>
      ) : null}
      {fetched.value === null ? null : <Parts detail={fetched.value} />}
    </div>
  );
};
