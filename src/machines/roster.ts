import type { Hotkey } from '../domain/ids.ts';
import type { Axon, SubnetSnapshot } from '../domain/metagraph.ts';
import { minersInTurn } from '../domain/population.ts';
import type { RoundCandidate } from './round.machine.ts';

/** What the validator knows of one miner's session; `first` until the first dial has ended one way or the other. */
export type RosterEntry = { readonly axon: Axon; readonly link: 'first' | 'ready' | 'lost' };

/** Sessions by hotkey. */
export type Roster = Readonly<Record<Hotkey, RosterEntry>>;

export type RosterChange = {
  readonly joined: readonly { readonly hotkey: Hotkey; readonly axon: Axon }[];
  readonly moved: readonly { readonly hotkey: Hotkey; readonly axon: Axon }[];
  readonly left: readonly Hotkey[];
};

/**
 * Who has to be dialled, dialled elsewhere, or let go, so that the roster follows the metagraph: it holds the miners
 * whose turn it is in the subnet's epoch.
 */
export const rosterChange = (options: {
  readonly roster: Roster;
  readonly subnet: SubnetSnapshot;
  readonly ownHotkey: Hotkey;
  /** XState's children are quadratic per parent, and a subnet has at most 256 uids. */
  readonly maxSessions: number;
}): RosterChange => {
  const { roster, subnet, ownHotkey, maxSessions } = options;
  const wanted = minersInTurn({ subnet, ownHotkey, epoch: subnet.epochIndex, maxMiners: maxSessions });
  const hotkeys = new Set(wanted.map((neuron) => neuron.hotkey));
  const known = (hotkey: Hotkey) => (Object.hasOwn(roster, hotkey) ? roster[hotkey] : undefined);
  return {
    joined: wanted.filter(({ hotkey }) => known(hotkey) === undefined),
    moved: wanted.filter(({ hotkey, axon }) => {
      const entry = known(hotkey);
      return entry !== undefined && (entry.axon.ip !== axon.ip || entry.axon.port !== axon.port);
    }),
    left: Object.keys(roster).filter((hotkey) => !hotkeys.has(hotkey)),
  };
};

/** The roster after a change was carried out. */
export const applyChange = (roster: Roster, change: RosterChange): Roster => {
  const kept = Object.entries(roster).filter(([hotkey]) => !change.left.includes(hotkey));
  // A first dial goes on at the new address: nobody is blamed before it has ended.
  const moved = change.moved.map(
    ({ hotkey, axon }) =>
      [hotkey, { axon, link: roster[hotkey]?.link === 'first' ? 'first' : 'lost' } as const] as const,
  );
  const joined = change.joined.map(({ hotkey, axon }) => [hotkey, { axon, link: 'first' as const }] as const);
  return Object.fromEntries<RosterEntry>([...kept, ...moved, ...joined]);
};

/** The roster after a session reported; a report of somebody who left meanwhile changes nothing. */
export const recordLink = (roster: Roster, hotkey: Hotkey, link: 'ready' | 'lost'): Roster => {
  const entry = Object.hasOwn(roster, hotkey) ? roster[hotkey] : undefined;
  return entry === undefined ? roster : { ...roster, [hotkey]: { ...entry, link } };
};

/** The roster without one miner, who is dialled anew with the next metagraph. */
export const withoutMiner = (roster: Roster, gone: Hotkey): Roster =>
  Object.fromEntries(Object.entries(roster).filter(([hotkey]) => hotkey !== gone));

/** Who may be asked in a round: everybody whose first dial has ended, reachable or not, in uid order. */
export const candidatesOf = (roster: Roster, subnet: SubnetSnapshot): readonly RoundCandidate[] =>
  subnet.neurons.flatMap(({ uid, hotkey, stake }) =>
    Object.hasOwn(roster, hotkey) && roster[hotkey]?.link !== 'first' ? [{ uid, hotkey, stake }] : [],
  );

export const linkCounts = (roster: Roster): { readonly ready: number; readonly dialing: number } => {
  const entries = Object.values(roster);
  return {
    ready: entries.filter(({ link }) => link === 'ready').length,
    dialing: entries.filter(({ link }) => link === 'first').length,
  };
};
