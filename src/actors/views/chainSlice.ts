import type { SnapshotFrom } from 'xstate';

import { isImmune } from '../../domain/epoch.ts';
import type { Neuron, SubnetSnapshot } from '../../domain/metagraph.ts';
import type { ChainFacts } from '../../domain/view/chainReasons.ts';
import type { ChainView } from '../../domain/view/commonView.ts';
import type { chainLinkMachine } from '../../machines/chainLink.machine.ts';
import { type ChainNews, linkStateOf } from './chainNews.ts';
import { doubtsOf } from './heights.ts';
import { childOf } from './liveTree.ts';
import { leavesOf } from './stateText.ts';

type Link = SnapshotFrom<typeof chainLinkMachine>;

/** What a root machine knows of its place on the subnet. */
export type Place = { readonly subnet: SubnetSnapshot | null; readonly hotkey: string };

export const ownNeuron = ({ subnet, hotkey }: Place): Neuron | null =>
  subnet?.neurons.find((neuron) => neuron.hotkey === hotkey) ?? null;

const registrationOf = (place: Place): ChainView['registration'] => {
  const own = ownNeuron(place);
  if (own === null || place.subnet === null) return null;
  const { block, hyperparameters } = place.subnet;
  const { immunityPeriodBlocks } = hyperparameters;
  const { blockAtRegistration } = own;
  return {
    uid: own.uid,
    registeredAtBlock: blockAtRegistration,
    immuneForBlocks: isImmune({ block, blockAtRegistration, immunityPeriodBlocks })
      ? blockAtRegistration + immunityPeriodBlocks - block
      : 0,
    hasPermit: own.validatorPermit,
    stake: own.stake,
  };
};

const noChain: ChainView = {
  state: 'none',
  endpoints: [],
  finalizedBlock: null,
  headAt: null,
  specVersion: null,
  genesisHash: null,
  metagraphBlock: null,
  registration: null,
  hyperparameters: {},
  neurons: null,
  lastFailure: null,
};

export const chainViewOf = (link: Link | null, place: Place, news: ChainNews): ChainView => {
  if (link === null) return noChain;
  const { head, specVersion, genesisHash, lastFailure } = link.context;
  const { subnet } = place;
  return {
    // A metagraph that is being read changes nothing about the heads that arrive.
    state: link.matches({ linked: { synced: 'reading' } })
      ? 'following.reading'
      : leavesOf(link.value).join('.'),
    endpoints: news.heights.views(link.context),
    finalizedBlock: head?.block ?? null,
    headAt: news.headAt(),
    specVersion,
    genesisHash,
    metagraphBlock: subnet?.block ?? null,
    registration: registrationOf(place),
    hyperparameters: { ...subnet?.hyperparameters },
    neurons: subnet?.neurons.length ?? null,
    lastFailure: lastFailure?.message ?? null,
  };
};

const notBegun: ChainFacts = {
  link: 'opening',
  lostForMs: null,
  endpoints: 0,
  lastFailure: null,
  finalizedBlock: null,
  headAgeMs: null,
  blockMs: null,
  lagBlocks: null,
  metagraphBlock: null,
  unreadable: null,
  isOld: false,
  forkedWith: [],
  clockBehindMs: null,
};

export const chainFactsOf = (given: {
  readonly link: Link | null;
  readonly place: Place;
  readonly news: ChainNews;
  readonly nowMs: number;
}): ChainFacts => {
  const { link, place, news, nowMs } = given;
  if (link === null) return notBegun;
  const { context } = link;
  const { isOld, isClockBehind, forkedWith } = doubtsOf(
    childOf(link, 'endpointWatch')?.context ?? null,
    context,
  );
  const lostSince = news.lostSince();
  const headAt = news.headAt();
  return {
    link: linkStateOf(link),
    lostForMs: lostSince === null ? null : nowMs - lostSince,
    endpoints: context.endpoints.length,
    lastFailure: context.lastFailure?.message ?? null,
    finalizedBlock: context.head?.block ?? null,
    headAgeMs: headAt === null ? null : nowMs - headAt,
    blockMs: news.blockMs(),
    lagBlocks: news.heights.lag(context),
    metagraphBlock: place.subnet?.block ?? null,
    unreadable: context.failedReads > 0 ? (context.lastFailure?.message ?? 'no reason was given') : null,
    isOld,
    forkedWith,
    clockBehindMs: isClockBehind ? news.heights.clockBehindMs() : null,
  };
};
