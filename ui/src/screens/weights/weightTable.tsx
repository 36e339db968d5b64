import type { WeightRow, WeightsView } from '../../../../src/domain/view/validatorView.ts';
import { fractionText, signedText } from '../../format.ts';
import { EmptyState, Panel } from '../../parts/panel.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { comparisonText, differenceOf, isSecret } from '../../weights.ts';

const figure = (key: 'quality' | 'trust' | 'stake' | 'score', title: string): Column<WeightRow> => ({
  key,
  title,
  isRight: true,
  show: (row) => fractionText(row[key]),
  sort: (row) => row[key],
});

const columnsOf = (isHidden: boolean): readonly Column<WeightRow>[] => [
  {
    key: 'uid',
    title: 'uid',
    isLine: true,
    show: ({ uid }) => <a href={`/weights?uid=${uid}`}>{uid}</a>,
    sort: ({ uid }) => uid,
  },
  figure('quality', 'Quality'),
  figure('trust', 'Trust'),
  figure('stake', 'Stake'),
  figure('score', 'Score'),
  {
    key: 'toSet',
    title: 'To set',
    isRight: true,
    show: ({ toSet }) =>
      toSet === null && isHidden ? <span class="weights-hidden">secret</span> : fractionText(toSet, 5),
    sort: ({ toSet }) => toSet,
  },
  {
    key: 'onChain',
    title: 'On chain',
    isRight: true,
    show: ({ onChain }) => fractionText(onChain, 5),
    sort: ({ onChain }) => onChain,
  },
  {
    key: 'difference',
    title: 'Difference',
    isRight: true,
    show: (row) => signedText(differenceOf(row), 5),
    sort: (row) => {
      const difference = differenceOf(row);
      return difference === null ? null : Math.abs(difference);
    },
  },
];

/** From score to weight, one miner per row; shares of the whole vector. */
export const WeightTable = (props: {
  weights: WeightsView;
  selected: number | null;
  onSelect: (uid: number) => void;
}) => (
  <Panel title="Scores and weights" class="span-6 weights-table" isFlush note={comparisonText(props.weights)}>
    <Table
      caption="Scores of the last scored epoch, and the weights that follow from them"
      columns={columnsOf(isSecret(props.weights))}
      rows={props.weights.rows}
      keyOf={({ uid }) => uid}
      order={{ key: 'score', isDescending: true }}
      onOpen={({ uid }) => props.onSelect(uid)}
      isSelected={({ uid }) => uid === props.selected}
      isSticky
      empty={
        <EmptyState title="No epoch has been scored yet">
          Scores are computed when the weights of an epoch are due.
        </EmptyState>
      }
    />
  </Panel>
);
