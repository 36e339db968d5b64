import { useEffect, useState } from 'preact/hooks';

import type { HealthReason, Verdict } from '../../../src/domain/view/verdict.ts';
import { Glyph, levelWords } from '../parts/glyph.tsx';

/** The only reason is the sentence of the banner already; it is not said twice. */
const Reason = ({ reason, isOnly }: { reason: HealthReason; isOnly: boolean }) => (
  <li class={`reason badge-${reason.level}`}>
    {isOnly ? <span /> : <Glyph name={reason.level} />}
    <div>
      {isOnly ? null : (
        <p class="reason-text">
          <span class="hidden-text">{levelWords[reason.level]}: </span>
          {reason.text}
        </p>
      )}
      <p class="reason-advice">{reason.advice}</p>
    </div>
    <code class="reason-code">{reason.code}</code>
  </li>
);

/** Whether all is well, in one sentence; the reasons with what to do about them unfold below. */
export const VerdictBanner = (props: { verdict: Verdict | undefined; isOpenAtFirst: boolean }) => {
  const [isOpen, setOpen] = useState(props.isOpenAtFirst);
  useEffect(() => setOpen(props.isOpenAtFirst), [props.isOpenAtFirst]);
  const { verdict } = props;
  const level = verdict?.level ?? 'starting';
  const reasons = verdict?.reasons ?? [];
  return (
    <section class={`verdict verdict-${level}`} aria-label="Health">
      <div class="verdict-line">
        <Glyph name={level} size={20} />
        <p class="verdict-text" aria-live="polite">
          <strong class="verdict-level">{levelWords[level]}</strong>
          <span>{verdict?.text ?? 'Waiting for the first word of the daemon.'}</span>
        </p>
        {reasons.length === 0 ? null : (
          <button
            type="button"
            class="icon-button verdict-toggle"
            aria-expanded={isOpen}
            onClick={() => setOpen(!isOpen)}
          >
            {isOpen ? 'Hide' : 'Why'} <Glyph name={isOpen ? 'up' : 'down'} size={14} />
          </button>
        )}
      </div>
      {isOpen && reasons.length > 0 ? (
        <ul class="verdict-reasons">
          {reasons.map((reason) => (
            <Reason key={reason.code + reason.text} reason={reason} isOnly={reasons.length === 1} />
          ))}
        </ul>
      ) : null}
    </section>
  );
};
