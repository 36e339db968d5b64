type Config = Readonly<Record<string, unknown>>;

/** What draws a state. Contexts, inputs and outputs are literals of the source and may be anything. */
const stateKeys = [
  'id',
  'type',
  'initial',
  'description',
  'history',
  'target',
  'on',
  'after',
  'always',
  'onDone',
  'entry',
  'exit',
] as const;

const transitionKeys = ['target', 'guard', 'actions', 'reenter', 'description'] as const;

const isConfig = (value: unknown): value is Config =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A name of an action or a guard: parameters stay here. */
const nameOf = (value: unknown): unknown => {
  if (typeof value === 'string') return value;
  if (typeof value === 'function') return { type: value.name === '' ? 'inline' : value.name };
  return isConfig(value) && typeof value['type'] === 'string' ? { type: value['type'] } : { type: 'inline' };
};

const each = (value: unknown, turn: (one: unknown) => unknown): unknown =>
  Array.isArray(value) ? value.map(turn) : turn(value);

const picked = (
  config: Config,
  keys: readonly string[],
  turn: (key: string, value: unknown) => unknown,
): Config =>
  Object.fromEntries(
    keys.filter((key) => config[key] !== undefined).map((key) => [key, turn(key, config[key])]),
  );

const transitionOf = (value: unknown): unknown =>
  isConfig(value)
    ? picked(value, transitionKeys, (key, part) =>
        key === 'guard' || key === 'actions' ? each(part, nameOf) : part,
      )
    : value;

const transitionsByKey = (value: unknown): unknown =>
  isConfig(value)
    ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, each(one, transitionOf)]))
    : undefined;

const invokeOf = (value: unknown): unknown => {
  if (!isConfig(value)) return value;
  const src = typeof value['src'] === 'string' ? value['src'] : 'inline';
  return {
    src,
    ...picked(value, ['id', 'onDone', 'onError'], (key, part) =>
      key === 'id' ? part : each(part, transitionOf),
    ),
  };
};

const partOf = (key: string, value: unknown): unknown => {
  if (key === 'on' || key === 'after') return transitionsByKey(value);
  if (key === 'always' || key === 'onDone') return each(value, transitionOf);
  return key === 'entry' || key === 'exit' ? each(value, nameOf) : value;
};

/**
 * A machine's configuration as Stately's viewers read it: what draws the chart, and nothing of what the machine holds.
 *
 * @param config `machine.config`
 */
export const definitionOf = (config: unknown): Config => {
  if (!isConfig(config)) return {};
  const states = config['states'];
  return {
    ...picked(config, stateKeys, partOf),
    ...(config['invoke'] === undefined ? {} : { invoke: each(config['invoke'], invokeOf) }),
    ...(isConfig(states)
      ? {
          states: Object.fromEntries(
            Object.entries(states).map(([key, state]) => [key, definitionOf(state)]),
          ),
        }
      : {}),
  };
};
