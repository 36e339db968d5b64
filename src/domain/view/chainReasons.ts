import { count, quote, spell } from './figures.ts';
import type { HealthReason } from './verdict.ts';

/** What both daemons know of the chain. */
export type ChainFacts = {
  /**
   * `opening`: for the first time, or to a better endpoint, and nothing is wrong yet. `lost`: gone, silent, or not to be
   * had.
   */
  readonly link: 'opening' | 'following' | 'lost';
  /** Since when it is lost, in milliseconds of time; null while it is not. */
  readonly lostForMs: number | null;
  readonly endpoints: number;
  readonly lastFailure: string | null;
  readonly finalizedBlock: number | null;
  readonly headAgeMs: number | null;
  /** Mean time of the last blocks; null before there are enough. */
  readonly blockMs: number | null;
  /** Blocks behind the best endpoint that was asked; null where none was. */
  readonly lagBlocks: number | null;
  /** Block of the metagraph in use; null before the first. */
  readonly metagraphBlock: number | null;
  /** Why the metagraph cannot be read; null while it can. */
  readonly unreadable: string | null;
  /** The newest head is minutes old by the chain's own time. */
  readonly isOld: boolean;
  /** Endpoints that have another block at the same height. */
  readonly forkedWith: readonly string[];
  /** How far this machine's clock is behind the time of the chain; null while it is not. */
  readonly clockBehindMs: number | null;
};

/** One minute of finney's blocks: less is the ordinary difference between two nodes. */
const lagTolerance = 5;
/** However fast blocks come, a pause of this length is none worth telling. */
const leastSilenceMs = 4_000;
/** Blocks after which an old metagraph does harm: miners join and leave, epochs end. */
const staleMetagraphBlocks = 50;

const connection = (chain: ChainFacts): readonly HealthReason[] => {
  const { link, lostForMs, endpoints, lastFailure } = chain;
  if (link === 'opening' && chain.finalizedBlock === null) {
    const text = 'Connecting to the chain for the first time.';
    return [
      { code: 'chain.connecting', level: 'starting', text, advice: 'Nothing to do: this takes seconds.' },
    ];
  }
  if (link !== 'lost') return [];
  const since = lostForMs === null ? '' : ` for ${spell(lostForMs)}`;
  const why = lastFailure === null ? '' : `: ${quote(lastFailure)}`;
  return [
    {
      code: 'chain.lost',
      level: 'failing',
      text: `No connection to the chain${since}${why}.`,
      advice:
        endpoints > 1
          ? `The ${endpoints} endpoints are tried in turn. If none comes back, check the network of this machine.`
          : 'It is tried again by itself. Check that the node runs, and add a second endpoint with --chain-endpoints.',
    },
  ];
};

const silenceOf = ({ headAgeMs, blockMs }: ChainFacts): number | null =>
  headAgeMs !== null && blockMs !== null && headAgeMs > Math.max(leastSilenceMs, 5 * blockMs)
    ? headAgeMs
    : null;

const lag = (chain: ChainFacts): readonly HealthReason[] => {
  if (chain.link === 'lost') return [];
  const { lagBlocks, blockMs, finalizedBlock } = chain;
  const silentMs = silenceOf(chain);
  if (lagBlocks !== null && lagBlocks > lagTolerance) {
    const text = `The node in use is ${count(lagBlocks, 'block')} behind another one, at block ${finalizedBlock ?? 0}.`;
    const advice = 'The better endpoint is used by itself soon. If it stays so, check the node.';
    return [{ code: 'chain.lagging', level: 'attention', text, advice }];
  }
  if (silentMs !== null) {
    const text = `No new finalized block for ${spell(silentMs)}; one comes every ${spell(blockMs ?? 0)}.`;
    const advice =
      'If it stays so the next endpoint is tried by itself. Check the node, or whether the chain stands.';
    return [{ code: 'chain.lagging', level: 'attention', text, advice }];
  }
  if (!chain.isOld) return [];
  return [
    {
      code: 'chain.old',
      level: 'attention',
      text: `The newest block of the node, ${finalizedBlock ?? 0}, is more than five minutes old by its own time.`,
      advice: 'The node is catching up, or the clock of this machine is ahead: check both.',
    },
  ];
};

const metagraph = (chain: ChainFacts): readonly HealthReason[] => {
  const { unreadable, metagraphBlock, finalizedBlock } = chain;
  if (unreadable !== null && chain.link !== 'lost') {
    const age = metagraphBlock === null ? null : Math.max(0, (finalizedBlock ?? 0) - metagraphBlock);
    const old = age === null ? 'none was read yet' : `the one in use is ${count(age, 'block')} old`;
    return [
      {
        code: 'chain.unreadable',
        level: age === null || age > staleMetagraphBlocks ? 'failing' : 'attention',
        text: `The metagraph cannot be read, ${old}: ${quote(unreadable)}.`,
        advice:
          'It is read again at each block, then from another endpoint. Check the node, or update this program.',
      },
    ];
  }
  if (metagraphBlock !== null || chain.link !== 'following') return [];
  const text = 'Connected to the chain; the metagraph is being read.';
  return [{ code: 'chain.reading', level: 'starting', text, advice: 'Nothing to do: this takes seconds.' }];
};

const doubts = ({ forkedWith, clockBehindMs }: ChainFacts): readonly HealthReason[] => {
  const reasons: HealthReason[] = [];
  if (forkedWith.length > 0) {
    reasons.push({
      code: 'chain.forked',
      level: 'attention',
      text: `The node in use and ${forkedWith.join(', ')} have different blocks at the same height.`,
      advice:
        'One of them is on a wrong fork: compare both with an explorer and take the wrong one off the list.',
    });
  }
  if (clockBehindMs !== null) {
    reasons.push({
      code: 'clock.behind',
      level: 'attention',
      text: `The clock of this machine is ${spell(clockBehindMs)} behind the time of the chain.`,
      advice: 'Set it, and keep it set: `timedatectl set-ntp true`.',
    });
  }
  return reasons;
};

/** What is not well with the chain. */
export const chainReasons = (chain: ChainFacts): readonly HealthReason[] => [
  ...connection(chain),
  ...lag(chain),
  ...metagraph(chain),
  ...doubts(chain),
];
