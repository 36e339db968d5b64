import type { RequestCounts } from '../../../../src/domain/view/minerView.ts';
import { countText, percentText } from '../../format.ts';
import { fates, fatesOf } from './requestCounts.ts';
import './fateBar.css';

/** What became of all requests, as shares of one bar. */
export const FateBar = ({ counts }: { counts: RequestCounts }) => {
  const of = fatesOf(counts);
  const present = fates.filter(({ key }) => of[key] > 0);
  const label = present.map(({ key, word }) => `${countText(of[key])} ${word}`).join(', ');
  return (
    <div
      class="fates"
      role="img"
      aria-label={`Of ${countText(counts.received)} requests: ${label || 'none yet'}`}
    >
      {present.map(({ key, word }) => (
        <span
          key={key}
          class={`fate-${key}`}
          title={`${countText(of[key])} ${word}`}
          style={{ flexGrow: of[key] }}
        />
      ))}
    </div>
  );
};

/** The same in words and figures. */
export const FateList = ({ counts }: { counts: RequestCounts }) => {
  const of = fatesOf(counts);
  return (
    <dl class="fate-list">
      {fates.map(({ key, word, meaning }) => (
        <div key={key} title={meaning}>
          <dt>
            <span class={`fate-mark fate-${key}`} aria-hidden="true" />
            {word}
          </dt>
          <dd>{countText(of[key])}</dd>
          <dd class="fate-share">{counts.received === 0 ? '–' : percentText(of[key] / counts.received)}</dd>
        </div>
      ))}
    </dl>
  );
};
