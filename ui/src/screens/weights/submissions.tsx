import type { SubmissionRow } from '../../../../src/domain/view/validatorView.ts';
import { blockText, countText } from '../../format.ts';
import { StateBadge, Time } from '../../parts/badges.tsx';
import type { GlyphName } from '../../parts/glyph.tsx';
import { EmptyState, Panel } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';

const glyphs: Readonly<Record<SubmissionRow['result'], GlyphName>> = {
  confirmed: 'ok',
  committed: 'starting',
  revealed: 'ok',
  refused: 'failing',
  missed: 'failing',
  unrevealed: 'failing',
  foreign: 'attention',
  superseded: 'none',
};

const meanings: Readonly<Record<SubmissionRow['result'], string>> = {
  confirmed: 'Found in a finalized block.',
  committed: 'The commit is in a finalized block; the chain opens it later.',
  revealed: 'The chain has opened the commit; the weights are in force.',
  refused: 'The chain or its pool did not take them.',
  missed: 'The epoch ended without them.',
  unrevealed: 'The commit was never opened.',
  foreign: 'Another program set weights with this hotkey.',
  superseded: 'Later weights are in force already.',
};

/** Every time weights were sent, and what became of it. */
export const Submissions = ({ rows }: { rows: readonly SubmissionRow[] }) => (
  <Panel title="Submissions" isFlush note="newest first, since this daemon began">
    <Table
      caption="Every submission of weights, newest first"
      rows={rows}
      keyOf={({ at, epoch, kind, result }) => `${at} ${epoch} ${kind} ${result}`}
      columns={[
        { key: 'at', title: 'At', isLine: true, show: ({ at }) => <Time at={at} /> },
        { key: 'epoch', title: 'Epoch', isRight: true, show: ({ epoch }) => countText(epoch) },
        { key: 'kind', title: 'Kind', show: ({ kind }) => kind },
        {
          key: 'result',
          title: 'Result',
          isLine: true,
          show: ({ result }) => (
            <span title={meanings[result]}>
              <StateBadge state={glyphs[result]}>{result}</StateBadge>
            </span>
          ),
        },
        { key: 'block', title: 'Block', isRight: true, show: ({ block }) => blockText(block) },
        { key: 'error', title: 'Error', show: ({ error }) => error ?? '–' },
      ]}
      empty={
        <EmptyState title="Nothing was submitted yet">
          Weights are sent once per epoch, from the block at which they are due.
        </EmptyState>
      }
    />
  </Panel>
);
