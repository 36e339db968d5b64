import type { SessionRow } from '../../src/domain/view/validatorView.ts';
import { countText, durationText, fractionText } from './format.ts';

/** What a cell shows of a miner: the state of its session, unless its answers are guesses, which is worse. */
export type CellState = SessionRow['state'] | 'guessing';

/** In the order of the legend: what needs a look first. */
export const cellStates: readonly CellState[] = [
  'guessing',
  'closed',
  'cooling',
  'dialing',
  'busy',
  'ready',
  'none',
];

export const stateWords: Readonly<Record<CellState, string>> = {
  guessing: 'guessing',
  closed: 'closed',
  cooling: 'cooling',
  dialing: 'dialing',
  busy: 'busy',
  ready: 'ready',
  none: 'no session',
};

export const stateHelp: Readonly<Record<CellState, string>> = {
  guessing: 'Its answers are no better than chance, beyond doubt.',
  closed: 'The session is over; the miner left or its link failed for good.',
  cooling: 'The link failed; a pause before the next try.',
  dialing: 'Connecting and proving hotkeys.',
  busy: 'At least one task is open at the miner.',
  ready: 'Authenticated, without open tasks.',
  none: 'Not its turn, or no address on chain.',
};

export const cellStateOf = (row: SessionRow): CellState => (row.isGuessing ? 'guessing' : row.state);

/** Whether the miner can be asked, whatever its answers are worth. */
export const hasLink = ({ state }: SessionRow): boolean => state === 'ready' || state === 'busy';

/** Rows of a map keyed by uid, by uid. */
export const byUid = (rows: ReadonlyMap<string, SessionRow>): readonly SessionRow[] =>
  [...rows.values()].toSorted((a, b) => a.uid - b.uid);

/** How many miners are in each state. */
export const countStates = (rows: readonly SessionRow[]): ReadonlyMap<CellState, number> => {
  const counts = new Map<CellState, number>();
  for (const row of rows) counts.set(cellStateOf(row), (counts.get(cellStateOf(row)) ?? 0) + 1);
  return counts;
};

/** What a cell says to who cannot see it, and when pointed at. */
export const cellLabel = (row: SessionRow): string => {
  const { judged, accuracy, chance, medianMs } = row.recent;
  const words = [`uid ${row.uid}`, stateWords[cellStateOf(row)]];
  if (row.isGuessing) words.push(stateWords[row.state]);
  if (accuracy !== null) words.push(`accuracy ${fractionText(accuracy, 2)} of ${countText(judged)} answers`);
  if (row.isGuessing && chance !== null) words.push(`chance level ${fractionText(chance, 2)}`);
  if (medianMs !== null) words.push(`median ${durationText(medianMs)}`);
  return words.join(', ');
};

export type SessionFilter = { readonly state: CellState | 'all'; readonly text: string };

/** Whether a miner is wanted: by its state and by uid, hotkey or address. `#12` means exactly that uid. */
export const isWanted = (row: SessionRow, filter: SessionFilter): boolean => {
  if (filter.state !== 'all' && cellStateOf(row) !== filter.state) return false;
  const text = filter.text.trim().toLowerCase();
  if (text === '') return true;
  if (text.startsWith('#')) return String(row.uid) === text.slice(1);
  return (
    String(row.uid).startsWith(text) ||
    row.hotkey.toLowerCase().includes(text) ||
    (row.axon ?? '').toLowerCase().includes(text)
  );
};
