import type { AnyStateMachine } from 'xstate';

import { type Chart, type ChartState, statesUnder } from '../../src/inspector/chart.ts';
import { mermaidOf } from '../../src/inspector/mermaid.ts';
import { svgOf } from '../../src/inspector/svg.ts';
import { chainLinkMachine } from '../../src/machines/chainLink.machine.ts';
import { delays } from '../../src/machines/delays.ts';
import { endpointWatchMachine } from '../../src/machines/endpointWatch.machine.ts';
import { epochMachine } from '../../src/machines/epoch.machine.ts';
import { inferencePoolMachine } from '../../src/machines/inferencePool.machine.ts';
import { minerMachine } from '../../src/machines/miner.machine.ts';
import { minerSessionMachine } from '../../src/machines/minerSession.machine.ts';
import { resourcesMachine } from '../../src/machines/resources.machine.ts';
import { retentionMachine } from '../../src/machines/retention.machine.ts';
import { roundMachine } from '../../src/machines/round.machine.ts';
import { storeHealthMachine } from '../../src/machines/storeHealth.machine.ts';
import { validatorMachine } from '../../src/machines/validator.machine.ts';
import { validatorSessionMachine } from '../../src/machines/validatorSession.machine.ts';
import { weightAlarmMachine } from '../../src/machines/weightAlarm.machine.ts';
import { weightRevealMachine } from '../../src/machines/weightReveal.machine.ts';
import { weightSettingMachine } from '../../src/machines/weightSetting.machine.ts';
import { writerLeaseMachine } from '../../src/machines/writerLease.machine.ts';
import { laidOut } from '../charts/laidOut.ts';
import { code, fenced, generatedFrom, page, table } from './markdown.ts';

type Described = { readonly machine: AnyStateMachine; readonly intro: string };

/** What each machine is for, in one paragraph. Why each state exists is said in the machine itself. */
const described: readonly Described[] = [
  {
    machine: validatorMachine,
    intro:
      'The root of a validator. It opens the store, follows the chain, keeps one session for every miner of the ' +
      'metagraph, opens one epoch after the other and hands the finished weight vector to weight-setting. A defect ' +
      'anywhere below ends the process, which is the unit of restart; what must survive is in the store and on chain.',
  },
  {
    machine: writerLeaseMachine,
    intro:
      'The right to write, of several validators with the same hotkey and store. It is a root of its own, begun before ' +
      'the validator and ended after it: one validator acts, the others stand by. There is no wall clock in it. A ' +
      'holder beats, a standby measures how long no beat came, and every write carries the token of its lease.',
  },
  {
    machine: minerMachine,
    intro:
      'The root of a miner. Nothing is promised before the models are loaded; the port is bound before the address ' +
      'is published; every validator that arrives becomes a session. Drained, it answers what it owes and stops.',
  },
  {
    machine: chainLinkMachine,
    intro:
      'The link to the chain, for both roles. One endpoint at a time is followed by its finalized heads; a watchdog ' +
      'turns silence into a named state and, if it lasts, into the next endpoint of the list. It alone decides ' +
      'about reconnecting.',
  },
  {
    machine: endpointWatchMachine,
    intro:
      'Asks the other endpoints of the list, one at a time, how far they are. It ends as soon as there is a reason to ' +
      'leave the one in use: another is ahead and can be believed, or one that stands earlier is well again. What can ' +
      'be believed: `src/domain/chainHeight.ts`.',
  },
  {
    machine: epochMachine,
    intro:
      'One epoch of the subnet, as the validator lives it: rounds one after the other, and beside them, once, the ' +
      'way from recorded evidence to a weight vector. The chain says when an epoch is over; the round under way is ' +
      'still finished.',
  },
  {
    machine: roundMachine,
    intro:
      'One round: tasks and cohort are drawn and made durable, everybody is asked at once under one deadline, and ' +
      'every pair of miner and task ends with exactly one verdict. A round that cannot be recorded counts against ' +
      'nobody.',
  },
  {
    machine: minerSessionMachine,
    intro:
      'What the validator knows of one miner: dialled, ready, busy, or cooling down after a loss with a growing, ' +
      'jittered pause. A session lives as long as its miner is in the metagraph.',
  },
  {
    machine: validatorSessionMachine,
    intro:
      'One arrival at a miner, from the first byte to the last. Nobody is trusted before the handshake has proven a ' +
      'hotkey; a session that is asked to close first gives the answers it owes.',
  },
  {
    machine: inferencePoolMachine,
    intro:
      'The child processes that run models. Workers that die are started again, at most a few times a minute; more ' +
      'than that ends the miner instead of letting it pretend. At the bound of its queue it says busy.',
  },
  {
    machine: weightSettingMachine,
    intro:
      'Weights of one epoch on their way to the chain. It asks before it sends, makes the signed extrinsic durable ' +
      'before it is sent, and searches finalized blocks instead of trusting a subscription, so that weights are ' +
      'never set twice for an epoch and a missed epoch is reported exactly once, whatever crashes.',
  },
  {
    machine: weightRevealMachine,
    intro:
      'Timelocked commits from the block they stand in to the weights they were meant to become. The chain is silent ' +
      'about a reveal that fails, so its queue and our row are read until the weights are in force, replaced by newer ' +
      'ones, or lost; of lost ones the plaintext is kept.',
  },
  {
    machine: storeHealthMachine,
    intro:
      'Whether the store can write, for both roles. The store says by itself when it cannot; while it cannot, it is ' +
      'tried with a write of no meaning after growing pauses. The root holds new work back meanwhile, and work goes on ' +
      'by itself afterwards.',
  },
  {
    machine: resourcesMachine,
    intro:
      'What this process may run out of: heap, file descriptors, free space of the data folder. Work is refused before ' +
      'any of them ends, and goes on when there is clearly more. The same look finds a wall clock that was set and a ' +
      'machine that was suspended.',
  },
  {
    machine: retentionMachine,
    intro:
      'Bounds the evidence log: what is older than the last epochs that are kept is written into a file of the archive, ' +
      'and leaves the store only when that file is on disk. Rounds go on meanwhile.',
  },
  {
    machine: weightAlarmMachine,
    intro:
      'How many epochs our weights on chain are behind, told by LastUpdate alone: it is right in the first second ' +
      'after a restart with an empty data folder, and goes on counting while the chain cannot be read.',
  },
];

const none = '–';
const shortOf = (chart: Chart) => (id: string) =>
  id === chart.id ? 'any state' : id.slice(chart.id.length + 1);

const stateRows = (chart: Chart): readonly string[][] =>
  statesUnder(chart.root)
    .slice(1)
    .map((state) => [
      code(shortOf(chart)(state.id)),
      state.type,
      state.description ?? none,
      state.invokes.map(({ src }) => code(src)).join(', ') || none,
      state.entry.map(code).join(', ') || none,
    ]);

const transitionRows = (chart: Chart): readonly string[][] => {
  const short = shortOf(chart);
  const rowsOf = (state: ChartState): readonly string[][] =>
    state.transitions.map((transition) => [
      state.id === chart.id ? short(state.id) : code(short(state.id)),
      transition.kind === 'event' ? code(transition.label) : transition.label,
      transition.guard === null ? none : code(transition.guard),
      transition.targets.map((target) => code(short(target))).join(', ') || 'stays',
      transition.actions.map(code).join(', ') || none,
      transition.description ?? none,
    ]);
  return statesUnder(chart.root).flatMap(rowsOf);
};

const eventRows = (chart: Chart): readonly string[][] => {
  const short = shortOf(chart);
  const takers = new Map<string, Set<string>>();
  for (const state of statesUnder(chart.root)) {
    for (const { kind, eventType } of state.transitions) {
      if (kind !== 'event') continue;
      const states = takers.get(eventType) ?? new Set();
      takers.set(eventType, states.add(state.id === chart.id ? short(state.id) : code(short(state.id))));
    }
  }
  return [...takers]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([event, states]) => [code(event), [...states].join(', ')]);
};

/** A formula with the constants of `delays.ts` put in. */
const evaluated = (formula: string): string =>
  formula.replaceAll(/delays\.(\w+)/g, (whole, name: string) =>
    Object.hasOwn(delays, name) ? String(delays[name as keyof typeof delays]) : whole,
  );

const delayRows = (chart: Chart): readonly string[][] => {
  const short = shortOf(chart);
  return chart.delays.map(({ name, ms, formula }) => [
    code(name),
    ms === null ? code(evaluated(formula ?? '')) : String(ms),
    'ms',
    statesUnder(chart.root)
      .filter(({ transitions }) => transitions.some(({ delay }) => delay === name))
      .map(({ id }) => code(short(id)))
      .join(', '),
  ]);
};

const delaySection = (chart: Chart): readonly string[] =>
  chart.delays.length === 0
    ? []
    : [
        '## Delays',
        'Patience of I/O scale. `context.…` comes from the input of the machine or from the event that began the ' +
          'pause; windows with a meaning for the chain are counted in blocks and never stand here.',
        table(['delay', 'value', 'unit', 'runs in'], delayRows(chart)),
      ];

const machinePage = (chart: Chart, intro: string): string =>
  page([
    generatedFrom(`src/machines/${chart.id}.machine.ts`),
    `# ${chart.id}`,
    intro,
    `![Statechart of ${chart.id}](${chart.id}.svg)`,
    'A dot is where a state begins, a ring stands for whatever state inside of its box is active, a dashed box is a ' +
      'region beside others that are active as well, a double line is a final state. Transitions that keep their ' +
      'state are listed in it. The same as text, to read changes by:',
    `<details><summary>Mermaid</summary>\n\n${fenced('mermaid', mermaidOf(chart))}\n\n</details>`,
    '## States',
    table(['state', 'kind', 'why it exists', 'runs', 'on entry'], stateRows(chart)),
    '## Events',
    'An event that no active state takes changes nothing and is counted by the inspector.',
    table(['event', 'taken in'], eventRows(chart)),
    '## Transitions',
    table(['from', 'on', 'if', 'to', 'does', 'note'], transitionRows(chart)),
    ...delaySection(chart),
  ]);

/** All machines, in the order in which a reader meets them. */
export const documentedMachines: readonly AnyStateMachine[] = described.map(({ machine }) => machine);

/** Text by path from the root of the repository: a page and a picture for each machine. */
export const machinePages = async (): Promise<ReadonlyMap<string, string>> => {
  const drawn = await laidOut(documentedMachines);
  return new Map(
    drawn.flatMap(({ chart, layout }, index) => [
      [`docs/machines/${chart.id}.md`, machinePage(chart, described[index]?.intro ?? '')],
      [`docs/machines/${chart.id}.svg`, svgOf(chart, layout)],
    ]),
  );
};
