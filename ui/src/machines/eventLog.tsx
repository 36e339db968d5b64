import { useMemo, useState } from 'preact/hooks';

import type { InspectionEntry } from '../../../src/domain/view/inspection.ts';
import { countText } from '../format.ts';
import { NewBelow, useTail, VirtualList } from '../parts/virtualList.tsx';
import { type EntryKind, entryLine, filtered, kindWords } from './entryText.ts';
import type { Feed, Shown } from './feed.ts';
import type { Actors } from './session.ts';

const rowPx = 40;
const kinds = Object.keys(kindWords) as readonly EntryKind[];

/** `03.124`: within the log, seconds and thousandths tell events apart. */
const stamp = (at: number): string => new Date(at).toISOString().slice(11, 23);

const Row = (props: { entry: InspectionEntry; actors: Actors; isNow: boolean; onPick: () => void }) => {
  const { entry, actors } = props;
  const { who, what, more } = entryLine(entry, actors);
  return (
    <button
      type="button"
      class={`entry entry-${entry.kind}`}
      aria-current={props.isNow ? 'step' : undefined}
      onClick={props.onPick}
      title={`${kindWords[entry.kind]}: ${what} ${more}\nA press shows the system as it was after this.`}
    >
      <span class="entry-top">
        <span class="entry-who">{who}</span>
        <span class="entry-at">{stamp(entry.at)}</span>
      </span>
      <span class="entry-line">
        <span class="entry-kind">{kindWords[entry.kind]}</span>
        <span class="entry-what">{what}</span>
        <span class="entry-more">{more}</span>
      </span>
    </button>
  );
};

type Filter = { readonly text: string; readonly kind: EntryKind | 'all'; readonly isChosenOnly: boolean };

const Filters = ({ filter, onChange }: { filter: Filter; onChange: (filter: Filter) => void }) => (
  <div class="log-filters">
    <input
      class="field"
      type="search"
      data-filter=""
      placeholder="Event or actor"
      aria-label="Filter the log by words"
      value={filter.text}
      onInput={({ currentTarget }) => onChange({ ...filter, text: currentTarget.value })}
    />
    <select
      class="field"
      aria-label="Kind of entries"
      value={filter.kind}
      onChange={({ currentTarget }) =>
        onChange({ ...filter, kind: currentTarget.value as EntryKind | 'all' })
      }
    >
      <option value="all">all kinds</option>
      {kinds.map((kind) => (
        <option key={kind} value={kind}>
          {kindWords[kind]}
        </option>
      ))}
    </select>
    <label class="check">
      <input
        type="checkbox"
        checked={filter.isChosenOnly}
        onChange={({ currentTarget }) => onChange({ ...filter, isChosenOnly: currentTarget.checked })}
      />
      this actor
    </label>
  </div>
);

const countOf = (shown: Shown, seq: number): number =>
  shown.session.entries.findIndex((entry) => entry.seq === seq) + 1;

/** Entries of the buffer, newest last. A press on one shows the system as it was then. */
export const EventLog = ({ feed, shown, chosen }: { feed: Feed; shown: Shown; chosen: string | null }) => {
  const [filter, setFilter] = useState<Filter>({ text: '', kind: 'all', isChosenOnly: false });
  const { entries } = shown.session;
  const actor = filter.isChosenOnly ? chosen : null;
  const key = `${filter.text} ${filter.kind} ${actor} ${shown.isLive} ${shown.file}`;
  const found = useMemo(
    () => filtered(entries, shown.actors, { text: filter.text, kind: filter.kind, actor }),
    [entries, key],
  );
  const tail = useTail(found, key);
  const now = shown.isLive ? -1 : tail.shown.findIndex(({ seq }) => seq === entries[shown.count - 1]?.seq);
  return (
    <div class="log">
      <Filters filter={filter} onChange={setFilter} />
      <VirtualList
        class="log-list"
        items={tail.shown}
        rowPx={rowPx}
        keyOf={({ seq }) => seq}
        isFollowing={tail.isFollowing && shown.isLive}
        onAtEnd={tail.onAtEnd}
        {...(now >= 0 ? { shownIndex: now } : {})}
        frame={{ role: 'group', 'aria-label': 'Entries of the inspection' }}
        render={(entry, index) => (
          <Row
            entry={entry}
            actors={shown.actors}
            isNow={index === now}
            onPick={() => feed.goTo(countOf(feed.shown(), entry.seq))}
          />
        )}
      />
      <p class="log-foot">
        {countText(found.length)} of {countText(entries.length)} entries
        <NewBelow tail={tail} />
      </p>
    </div>
  );
};
