import type { SessionRow } from '../../../../src/domain/view/validatorView.ts';
import { fractionText, pluralText } from '../../format.ts';
import { Glyph } from '../../parts/glyph.tsx';
import './guessingNote.css';

const shownMost = 6;

/** Names the miners that only guess, with the figures that show it; nothing where there are none. */
export const GuessingNote = ({ rows }: { rows: readonly SessionRow[] }) => {
  const guessing = rows.filter(({ isGuessing }) => isGuessing);
  if (guessing.length === 0) return null;
  return (
    <div class="guessing">
      <Glyph name="guessing" />
      <p>
        <strong>{pluralText(guessing.length, 'miner')} answering by chance:</strong>{' '}
        {guessing.slice(0, shownMost).map(({ uid, recent }, index) => (
          <span key={uid}>
            {index === 0 ? '' : ', '}
            <a href={`/sessions/${uid}`}>uid {uid}</a> (accuracy {fractionText(recent.accuracy, 2)}, guessing
            gives {fractionText(recent.chance, 2)})
          </span>
        ))}
        {guessing.length > shownMost ? `, and ${guessing.length - shownMost} more` : null}.
      </p>
    </div>
  );
};
