import type { SessionRow } from '../../../../src/domain/view/validatorView.ts';
import { countText, durationText, fractionText } from '../../format.ts';
import { Hotkey, StateBadge } from '../../parts/badges.tsx';
import { EmptyState, Panel } from '../../parts/panel.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { cellStateOf, cellStates, stateWords } from '../../sessionStates.ts';

const notInTime = ({ recent }: SessionRow): number => recent.missed + recent.late;

const columns: readonly Column<SessionRow>[] = [
  {
    key: 'uid',
    title: 'uid',
    isLine: true,
    show: ({ uid }) => <a href={`/sessions/${uid}`}>{uid}</a>,
    sort: ({ uid }) => uid,
  },
  {
    key: 'state',
    title: 'State',
    show: (row) => (
      <>
        <StateBadge state={cellStateOf(row)}>{stateWords[cellStateOf(row)]}</StateBadge>
        {row.lastFailure === null ? null : (
          <span class="sessions-failure" title={row.lastFailure}>
            {row.lastFailure}
          </span>
        )}
      </>
    ),
    sort: (row) => cellStates.indexOf(cellStateOf(row)),
  },
  {
    key: 'accuracy',
    title: 'Accuracy',
    isRight: true,
    show: ({ recent, isGuessing }) =>
      isGuessing ? (
        <span class="badge badge-guessing">{fractionText(recent.accuracy, 2)} ≈ chance</span>
      ) : (
        fractionText(recent.accuracy, 2)
      ),
    sort: ({ recent }) => recent.accuracy,
  },
  {
    key: 'judged',
    title: 'Judged',
    isRight: true,
    show: ({ recent }) => countText(recent.judged),
    sort: ({ recent }) => recent.judged,
  },
  {
    key: 'late',
    title: 'Not in time',
    isRight: true,
    show: (row) => countText(notInTime(row)),
    sort: notInTime,
  },
  {
    key: 'unreachable',
    title: 'No link',
    isRight: true,
    show: ({ recent }) => countText(recent.unreachable),
    sort: ({ recent }) => recent.unreachable,
  },
  {
    key: 'median',
    title: 'Median',
    isRight: true,
    show: ({ recent }) => durationText(recent.medianMs),
    sort: ({ recent }) => recent.medianMs,
  },
  {
    key: 'incentive',
    title: 'Incentive',
    isRight: true,
    show: ({ incentive }) => fractionText(incentive, 5),
    sort: ({ incentive }) => incentive,
  },
  {
    key: 'hotkey',
    title: 'Hotkey',
    show: ({ hotkey }) => <Hotkey hotkey={hotkey} canCopy={false} />,
    sort: ({ hotkey }) => hotkey,
  },
];

/** Miners one below the other, for comparing and sorting. */
export const SessionTable = (props: {
  rows: readonly SessionRow[];
  isFiltered: boolean;
  onOpen: (uid: number) => void;
}) => (
  <Panel title="Miners" class="span-8" isFlush note="answers, accuracy and times of each one's last 500">
    <Table
      caption="Miners with the state of their session and their recent answers"
      columns={columns}
      rows={props.rows}
      keyOf={({ uid }) => uid}
      order={{ key: 'uid', isDescending: false }}
      onOpen={({ uid }) => props.onOpen(uid)}
      toneOf={({ isGuessing }) => (isGuessing ? 'guessing' : undefined)}
      empty={
        <EmptyState title={props.isFiltered ? 'No miner fits the filter' : 'No miners yet'}>
          {props.isFiltered
            ? 'Clear the text or choose all states.'
            : 'They appear with the first metagraph.'}
        </EmptyState>
      }
    />
  </Panel>
);
