import { useEffect, useRef, useState } from 'preact/hooks';

import type { WeightHistory } from '../../../../src/domain/view/validatorView.ts';
import { absent, countText, fractionText } from '../../format.ts';
import { coloursOf } from '../../parts/colours.ts';
import { Panel } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { usePreferences } from '../../preferences.ts';
import { cellAt, heatPixels } from '../../weights.ts';

/** Epochs of the table; the map has them all. */
const tableEpochs = 12;

type Cell = { readonly epoch: number; readonly uid: number };

/** One pixel of the canvas per cell; the style sheet scales it without smoothing. */
const useHeat = (history: WeightHistory) => {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { isDark } = usePreferences();
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (canvas.current === null || context === null || context === undefined) return;
    const colours = coloursOf(canvas.current, { low: 'heat-low', high: 'heat-high', none: 'panel' });
    const image = new ImageData(heatPixels(history, colours), history.epochs.length, history.uids.length);
    context.putImageData(image, 0, 0);
  }, [history, isDark]);
  return canvas;
};

const scoreText = (history: WeightHistory, cell: Cell): string => {
  const score = history.scores[cell.uid]?.[cell.epoch] ?? null;
  const epoch = countText(history.epochs[cell.epoch]);
  return `uid ${history.uids[cell.uid] ?? absent}, epoch ${epoch}: ${score === null ? 'no candidate' : fractionText(score)}`;
};

const Figures = ({ history }: { history: WeightHistory }) => {
  const first = Math.max(0, history.epochs.length - tableEpochs);
  return (
    <Table
      caption={`Scores of the last ${tableEpochs} epochs by uid`}
      isSticky
      rows={history.uids.map((uid, index) => ({ uid, scores: history.scores[index] ?? [] }))}
      keyOf={({ uid }) => uid}
      columns={[
        { key: 'uid', title: 'uid', show: ({ uid }) => uid, sort: ({ uid }) => uid },
        ...history.epochs.slice(first).map((epoch, index) => ({
          key: String(epoch),
          title: countText(epoch),
          isRight: true,
          show: ({ scores }: { scores: readonly (number | null)[] }) =>
            fractionText(scores[first + index], 2),
          sort: ({ scores }: { scores: readonly (number | null)[] }) => scores[first + index],
        })),
      ]}
    />
  );
};

/** Scores of all miners over all known epochs: who fell, who rose, who came when. */
export const HeatMap = (props: {
  history: WeightHistory;
  selected: number | null;
  onSelect: (uid: number) => void;
}) => {
  const { history } = props;
  const canvas = useHeat(history);
  const [pointed, setPointed] = useState<Cell | null>(null);
  const [isOpen, setOpen] = useState(false);
  const [epochs, uids] = [history.epochs.length, history.uids.length];
  const cellOf = (event: MouseEvent): Cell | null => {
    const box = canvas.current?.getBoundingClientRect();
    if (box === undefined) return null;
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    return cellAt({ x, y, width: box.width, height: box.height, epochs, uids });
  };
  const select = (event: MouseEvent): void => {
    const uid = history.uids[cellOf(event)?.uid ?? -1];
    if (uid !== undefined) props.onSelect(uid);
  };
  const label = `Scores of ${uids} miners, one per row, over ${epochs} epochs, one per column`;
  return (
    <Panel
      title="Scores by epoch"
      note={pointed === null ? 'uids down, epochs to the right' : scoreText(history, pointed)}
      tools={
        <span class="heat-scale">
          0 <span /> 1
        </span>
      }
    >
      <div class="heat">
        <span class="heat-uids" aria-hidden="true">
          <span>{history.uids[0]}</span>
          <span>{history.uids.at(-1)}</span>
        </span>
        <canvas
          ref={canvas}
          class="heat-canvas"
          width={epochs}
          height={uids}
          role="img"
          aria-label={label}
          onMouseMove={(event) => setPointed(cellOf(event))}
          onMouseLeave={() => setPointed(null)}
          onClick={select}
        />
        <span class="heat-epochs" aria-hidden="true">
          <span>{countText(history.epochs[0])}</span>
          <span>{countText(history.epochs.at(-1))}</span>
        </span>
      </div>
      <details class="series-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>Figures</summary>
        {isOpen ? <Figures history={history} /> : null}
      </details>
    </Panel>
  );
};
