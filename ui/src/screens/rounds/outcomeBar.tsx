import type { RoundRow } from '../../../../src/domain/view/validatorView.ts';
import { countText } from '../../format.ts';
import { outcomes } from '../../roundCounts.ts';
import './outcomeBar.css';

/** What became of the answers of a round, as shares of one bar; what is open stays empty. */
export const OutcomeBar = ({ counts, total }: { counts: RoundRow['counts']; total: number }) => {
  const present = outcomes.filter(({ key }) => counts[key] > 0);
  const label = present.map(({ key, word }) => `${countText(counts[key])} ${word}`).join(', ');
  return (
    <div class="outcomes" role="img" aria-label={`Of ${countText(total)} answers: ${label || 'none yet'}`}>
      {present.map(({ key, word }) => (
        <span
          key={key}
          class={`outcome outcome-${key}`}
          title={`${countText(counts[key])} ${word}`}
          style={{ flexGrow: counts[key] }}
        />
      ))}
      <span
        class="outcome"
        style={{ flexGrow: Math.max(0, total - present.reduce((sum, { key }) => sum + counts[key], 0)) }}
      />
    </div>
  );
};
