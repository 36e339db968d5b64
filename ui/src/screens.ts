import type { ComponentType } from 'preact';

export type Role = 'validator' | 'miner';

/** What a screen is given: the part of the path after its own, such as the uid in `/sessions/12`. */
export type ScreenProps = { readonly rest: string | null };

export type Screen = {
  readonly path: string;
  readonly title: string;
  /** Pressed after `g`. */
  readonly key: string;
  readonly roles: readonly Role[];
  readonly load: () => Promise<ComponentType<ScreenProps>>;
};

const validator: readonly Role[] = ['validator'];
const miner: readonly Role[] = ['miner'];
const both: readonly Role[] = ['validator', 'miner'];

/** All screens in the order of the navigation. Each is a file of its own, fetched when it is first shown. */
export const screens: readonly Screen[] = [
  {
    path: '/',
    title: 'Overview',
    key: 'o',
    roles: validator,
    load: async () => (await import('./screens/overview.tsx')).OverviewScreen,
  },
  {
    path: '/sessions',
    title: 'Sessions',
    key: 's',
    roles: validator,
    load: async () => (await import('./screens/sessions.tsx')).SessionsScreen,
  },
  {
    path: '/rounds',
    title: 'Rounds',
    key: 'r',
    roles: validator,
    load: async () => (await import('./screens/rounds.tsx')).RoundsScreen,
  },
  {
    path: '/weights',
    title: 'Weights',
    key: 'w',
    roles: validator,
    load: async () => (await import('./screens/weights.tsx')).WeightsScreen,
  },
  {
    path: '/',
    title: 'Overview',
    key: 'o',
    roles: miner,
    load: async () => (await import('./screens/miner/minerOverview.tsx')).MinerOverviewScreen,
  },
  {
    path: '/requests',
    title: 'Requests',
    key: 'q',
    roles: miner,
    load: async () => (await import('./screens/miner/requests.tsx')).RequestsScreen,
  },
  {
    path: '/inference',
    title: 'Inference',
    key: 'i',
    roles: miner,
    load: async () => (await import('./screens/miner/inference.tsx')).InferenceScreen,
  },
  {
    path: '/models',
    title: 'Models',
    key: 'e',
    roles: miner,
    load: async () => (await import('./screens/miner/models.tsx')).ModelsScreen,
  },
  {
    path: '/chain',
    title: 'Chain',
    key: 'c',
    roles: both,
    load: async () => (await import('./screens/chain.tsx')).ChainScreen,
  },
  {
    path: '/machines',
    title: 'Machines',
    key: 'm',
    roles: both,
    load: async () => (await import('./machines/machinesScreen.tsx')).MachinesScreen,
  },
  {
    path: '/logs',
    title: 'Logs',
    key: 'l',
    roles: both,
    load: async () => (await import('./screens/logs.tsx')).LogsScreen,
  },
  {
    path: '/config',
    title: 'Config',
    key: 'd',
    roles: both,
    load: async () => (await import('./screens/config.tsx')).ConfigScreen,
  },
];

/** Screens of one role. */
export const screensOf = (role: Role): readonly Screen[] =>
  screens.filter(({ roles }) => roles.includes(role));

/** The screen of a path and the rest of that path; null where there is none. */
export const screenAt = (
  of: readonly Screen[],
  path: string,
): { readonly screen: Screen; readonly rest: string | null } | null => {
  const exact = of.find((screen) => screen.path === path);
  if (exact !== undefined) return { screen: exact, rest: null };
  const parent = of.find((screen) => screen.path !== '/' && path.startsWith(`${screen.path}/`));
  if (parent === undefined) return null;
  return { screen: parent, rest: decodeURIComponent(path.slice(parent.path.length + 1)) };
};
