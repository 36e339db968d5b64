import type { ActorView } from '../../../src/domain/view/inspection.ts';
import { Glyph, type GlyphName } from '../parts/glyph.tsx';

type Status = ActorView['status'];

const words: Readonly<Record<Status, string>> = {
  active: 'running',
  done: 'done',
  error: 'failed',
  stopped: 'stopped',
};

export const statusWord = (status: Status): string => words[status];

const glyphs: Readonly<Record<Exclude<Status, 'active'>, GlyphName>> = {
  done: 'ready',
  error: 'failing',
  stopped: 'closed',
};

/** Shape of an actor's status: a full ring for a machine, an open one for other actors, a sign for one that ended. */
export const ActorGlyph = ({ status, isMachine }: { status: Status; isMachine: boolean }) => (
  <span class={`actor-glyph actor-${status}`} title={isMachine ? `machine, ${words[status]}` : words[status]}>
    {status === 'active' ? (
      <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
        <circle
          cx="6"
          cy="6"
          r={isMachine ? 4.5 : 3}
          fill={isMachine ? 'currentColor' : 'none'}
          stroke="currentColor"
          stroke-width="1.5"
        />
      </svg>
    ) : (
      <Glyph name={glyphs[status]} size={12} />
    )}
    <span class="hidden-text">{words[status]}</span>
  </span>
);
