import { useEffect, useState } from 'preact/hooks';

import type { AboutView, DoctorView, SettingView } from '../../../src/domain/view/commonView.ts';
import { countText, pluralText } from '../format.ts';
import { useSlice } from '../live.ts';
import { Hotkey, StateBadge, Time } from '../parts/badges.tsx';
import type { GlyphName } from '../parts/glyph.tsx';
import { EmptyState, Facts, Panel } from '../parts/panel.tsx';
import { Table } from '../parts/table.tsx';
import './config/config.css';

type Answer<T> =
  | { readonly state: 'asking' }
  | { readonly state: 'here'; readonly value: T }
  | { readonly state: 'failed'; readonly reason: string };

const ask = async <T,>(path: string, signal: AbortSignal): Promise<Answer<T>> => {
  try {
    const answer = await fetch(path, { signal });
    if (!answer.ok) return { state: 'failed', reason: `the daemon answered ${answer.status}` };
    return { state: 'here', value: (await answer.json()) as T };
  } catch (error) {
    return { state: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
};

/** What a path answers; asked again when `turn` changes. */
const useAnswer = <T,>(path: string, turn: number): Answer<T> => {
  const [answer, setAnswer] = useState<Answer<T>>({ state: 'asking' });
  useEffect(() => {
    const ending = new AbortController();
    setAnswer({ state: 'asking' });
    void ask<T>(path, ending.signal).then((got) => {
      if (!ending.signal.aborted) setAnswer(got);
    });
    return () => ending.abort();
  }, [path, turn]);
  return answer;
};

const Pending = ({ answer, what }: { answer: Exclude<Answer<unknown>, { state: 'here' }>; what: string }) =>
  answer.state === 'asking' ? (
    <EmptyState title={`Asking for ${what}`} />
  ) : (
    <EmptyState title={`No answer about ${what}`}>{answer.reason}</EmptyState>
  );

type Check = DoctorView['checks'][number];

const verdicts: Readonly<Record<Check['verdict'], GlyphName>> = {
  ok: 'ok',
  warning: 'attention',
  failed: 'failing',
  skipped: 'none',
};
/** The worst first. */
const urgency: readonly Check['verdict'][] = ['failed', 'warning', 'ok', 'skipped'];

const Checks = ({ checks }: { checks: readonly Check[] }) => (
  <Table
    caption="Checks of the doctor, the worst first"
    rows={checks.toSorted((a, b) => urgency.indexOf(a.verdict) - urgency.indexOf(b.verdict))}
    keyOf={({ name }) => name}
    columns={[
      { key: 'name', title: 'Check', isLine: true, show: ({ name }) => name },
      {
        key: 'verdict',
        title: 'Verdict',
        isLine: true,
        show: ({ verdict }) => <StateBadge state={verdicts[verdict]}>{verdict}</StateBadge>,
      },
      { key: 'evidence', title: 'Evidence', show: ({ evidence }) => evidence },
      { key: 'remedy', title: 'Remedy', show: ({ remedy }) => remedy ?? '–' },
    ]}
    empty={<EmptyState title="Nothing was checked" />}
  />
);

const countsText = (checks: readonly Check[]): string =>
  urgency
    .map((verdict) => ({ verdict, count: checks.filter((check) => check.verdict === verdict).length }))
    .filter(({ count }) => count > 0)
    .map(({ verdict, count }) => `${count} ${verdict}`)
    .join(', ');

const Doctor = () => {
  const [turn, setTurn] = useState(0);
  const answer = useAnswer<DoctorView>('/api/doctor', turn);
  const isHere = answer.state === 'here';
  return (
    <Panel
      title="Doctor"
      class="span-8"
      isFlush
      note={
        isHere ? (
          <>
            {countsText(answer.value.checks)}, checked at <Time at={answer.value.at} />
          </>
        ) : undefined
      }
      tools={
        <button
          type="button"
          class="button"
          onClick={() => setTurn(turn + 1)}
          disabled={!isHere && answer.state === 'asking'}
        >
          Check again
        </button>
      }
    >
      {isHere ? <Checks checks={answer.value.checks} /> : <Pending answer={answer} what="the checks" />}
    </Panel>
  );
};

const Value = ({ setting }: { setting: SettingView }) =>
  setting.isSecret ? (
    <span class="config-secret">
      <code>{setting.value === '' ? 'not set' : setting.value}</code> masked
    </span>
  ) : (
    <code class="config-value">{setting.value === '' ? '–' : setting.value}</code>
  );

const matching = (settings: readonly SettingView[], text: string, isChosenOnly: boolean) => {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return settings.filter((setting) => {
    if (isChosenOnly && setting.source === 'default') return false;
    const all = `${setting.name} ${setting.flag} ${setting.variable} ${setting.value} ${setting.description}`;
    return words.every((word) => all.toLowerCase().includes(word));
  });
};

const Settings = () => {
  const answer = useAnswer<readonly SettingView[]>('/api/config', 0);
  const [text, setText] = useState('');
  const [isChosenOnly, setChosenOnly] = useState(false);
  if (answer.state !== 'here') {
    return (
      <Panel title="Settings" class="span-12">
        <Pending answer={answer} what="the settings" />
      </Panel>
    );
  }
  const chosen = answer.value.filter(({ source }) => source !== 'default').length;
  return (
    <Panel
      title="Settings"
      class="span-12"
      isFlush
      note={`${pluralText(answer.value.length, 'setting')}, ${countText(chosen)} not at the default`}
      tools={
        <>
          <input
            class="field"
            type="search"
            data-filter=""
            placeholder="Name, flag or variable"
            aria-label="Filter the settings"
            value={text}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
          <label class="config-check">
            <input
              type="checkbox"
              checked={isChosenOnly}
              onChange={({ currentTarget }) => setChosenOnly(currentTarget.checked)}
            />
            only what was set
          </label>
        </>
      }
    >
      <Table
        caption="Settings in force, and where each comes from"
        rows={matching(answer.value, text, isChosenOnly)}
        keyOf={({ name }) => name}
        columns={[
          {
            key: 'name',
            title: 'Setting',
            show: ({ flag, variable, description }) => (
              <span class="config-name">
                <code>{flag}</code>
                <code class="config-variable">{variable}</code>
                <span class="config-description">{description}</span>
              </span>
            ),
            sort: ({ name }) => name,
          },
          { key: 'value', title: 'Value', show: (setting) => <Value setting={setting} /> },
          {
            key: 'source',
            title: 'From',
            isLine: true,
            show: ({ source }) =>
              source === 'default' ? <span class="config-default">default</span> : <strong>{source}</strong>,
            sort: ({ source }) => source,
          },
        ]}
        empty={<EmptyState title="No setting matches" />}
      />
    </Panel>
  );
};

const Versions = ({ about }: { about: AboutView }) => (
  <Panel title="This daemon" class="span-4">
    <Facts
      facts={[
        ['Role', about.role],
        ['Version', about.version],
        ['Node', about.node],
        ['Process', about.pid],
        ['Started', <Time key="started" at={about.startedAt} />],
        ['Network', `${about.network}, subnet ${about.netuid}`],
        ['Hotkey', <Hotkey key="hotkey" hotkey={about.hotkey} />],
        ['uid', about.uid ?? 'not registered'],
        ['Data', <code key="data">{about.dataDir}</code>],
        ['Store', <code key="store">{about.store}</code>],
      ]}
    />
  </Panel>
);

/** Is it set up right: the doctor's checks, and each setting with where it comes from. */
export const ConfigScreen = () => {
  const about = useSlice<AboutView>('about');
  return (
    <div class="columns">
      <Doctor />
      {about === undefined ? null : <Versions about={about} />}
      <Settings />
    </div>
  );
};
