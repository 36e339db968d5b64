import type { SnapshotFrom } from 'xstate';

import type { Neuron } from '../../domain/metagraph.ts';
import type { SessionRow, ValidatorRows } from '../../domain/view/validatorView.ts';
import type { minerSessionMachine } from '../../machines/minerSession.machine.ts';
import type { validatorMachine } from '../../machines/validator.machine.ts';
import type { MinerLinkTable } from '../minerLinks.ts';
import { minerSessionOf, type SessionOf } from './liveTree.ts';
import type { MinerBook } from './minerBook.ts';
import { leavesOf, pathOf } from './stateText.ts';

type Root = SnapshotFrom<typeof validatorMachine>;
type Session = SessionOf<typeof minerSessionMachine>;

const states: ReadonlySet<string> = new Set(['dialing', 'ready', 'busy', 'cooling']);
const isShown = (leaf: string): leaf is SessionRow['state'] => states.has(leaf);

const stateOf = (session: Session | null): SessionRow['state'] => {
  if (session === null) return 'none';
  const leaf = leavesOf(session.snapshot.value).at(-1) ?? '';
  return isShown(leaf) ? leaf : 'closed';
};

const axonText = ({ axon }: Neuron): string | null => {
  if (axon === null) return null;
  return axon.ip.includes(':') ? `[${axon.ip}]:${axon.port}` : `${axon.ip}:${axon.port}`;
};

/** Link times waver by fractions; a page that shows milliseconds needs no patch for those. */
const rttOf = (links: MinerLinkTable | null, hotkey: string): number | null => {
  const rttMs = links?.links.get(hotkey)?.connection.rttMs() ?? null;
  return rttMs === null ? null : Math.round(rttMs);
};

const rowOf = (given: {
  readonly neuron: Neuron;
  readonly session: Session | null;
  readonly book: MinerBook;
  readonly links: MinerLinkTable | null;
}): SessionRow => {
  const { neuron, session, book, links } = given;
  const { uid, hotkey, incentive, stake } = neuron;
  const context = session?.snapshot.context ?? null;
  const { recent, isGuessing } = book.summaryOf(hotkey);
  return {
    uid,
    hotkey,
    axon: axonText(neuron),
    state: stateOf(session),
    machineState: session === null ? 'none' : pathOf(session.snapshot.value),
    sessionId: session?.sessionId ?? null,
    attempt: context?.attempt ?? 0,
    kinds: context?.kinds ?? [],
    lastFailure:
      context?.lastFailure == null ? null : `${context.lastFailure._tag}: ${context.lastFailure.message}`,
    rttMs: rttOf(links, hotkey),
    recent,
    isGuessing,
    incentive,
    stake,
  };
};

/** One row for each neuron of the metagraph, by uid. */
export const sessionRowsOf = (given: {
  readonly root: Root | null;
  readonly book: MinerBook;
  readonly links: MinerLinkTable | null;
}): ValidatorRows['sessions'] => {
  const { root, book, links } = given;
  const rows: Record<string, SessionRow> = {};
  if (root === null) return rows;
  for (const neuron of root.context.subnet?.neurons ?? []) {
    const session = minerSessionOf(root, neuron.hotkey);
    rows[String(neuron.uid)] = rowOf({ neuron, session, book, links });
  }
  return rows;
};
