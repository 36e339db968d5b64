import type { ModelRow } from '../../../../src/domain/view/minerView.ts';
import { bytesText, countText, pluralText } from '../../format.ts';
import { useSlice } from '../../live.ts';
import { EmptyState, Facts, Panel } from '../../parts/panel.tsx';
import './miner.css';

const total = ({ files }: ModelRow): number => files.reduce((sum, { bytes }) => sum + bytes, 0);

const Model = ({ model }: { model: ModelRow }) => (
  <Panel
    title={model.name}
    class="span-6"
    note={`${bytesText(total(model))} in ${pluralText(model.files.length, 'file')}`}
  >
    <div class="model-facts">
      <Facts
        facts={[
          ['Kinds', model.kinds.join(', ') || 'none'],
          ['Revision', <code key="revision">{model.revision}</code>],
          ['Labels', countText(model.labels)],
        ]}
      />
    </div>
    <ul class="model-files">
      {model.files.map(({ path, bytes }) => (
        <li key={path}>
          <code>{path}</code>
          <span>{bytesText(bytes)}</span>
        </li>
      ))}
    </ul>
  </Panel>
);

/** What is loaded, and which tasks it answers. */
export const ModelsScreen = () => {
  const models = useSlice<readonly ModelRow[]>('models');
  if (models === undefined) return <EmptyState title="Nothing known yet" />;
  if (models.length === 0) {
    return (
      <EmptyState title="No model is loaded">
        The doctor, under Config, says which folder was looked at and what is missing there.
      </EmptyState>
    );
  }
  return (
    <div class="columns">
      {models.map((model) => (
        <Model key={model.name} model={model} />
      ))}
    </div>
  );
};
