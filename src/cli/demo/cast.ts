/** Who plays in the demo, in this order, repeated until there are enough. */
export const behaviours = ['honest', 'honest', 'slow', 'nonsense'] as const;
export type Behaviour = (typeof behaviours)[number];

export type Player = {
  readonly index: number;
  /** Uid on the demo's subnet: the validator registers first. */
  readonly uid: number;
  readonly name: string;
  readonly behaviour: Behaviour;
  /** Development account of the hotkey. */
  readonly uri: string;
  /** Address this miner publishes; one loopback address each, as machines in a network have. */
  readonly ip: string;
};

export const validatorUri = '//MiaoaiValidator';

/** The first loopback address that is not refused by `serve_axon`: 127.0.0.2. */
const firstHost = 2;

/** The cast of a demo with `count` miners, 4 to 250. */
export const castOf = (count: number, hasLoopbackRange: boolean): readonly Player[] =>
  Array.from({ length: count }, (_, index) => ({
    index,
    uid: index + 1,
    name: `miner ${index + 1}`,
    behaviour: behaviours[index % behaviours.length] ?? 'honest',
    uri: `//MiaoaiMiner${index + 1}`,
    ip: hasLoopbackRange ? `127.0.0.${firstHost + index}` : '127.0.0.1',
  }));
