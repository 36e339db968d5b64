import type { AnyActorRef, InspectionEvent, SnapshotFrom } from 'xstate';

import type { Head } from '../../domain/metagraph.ts';
import type { ChainFacts } from '../../domain/view/chainReasons.ts';
import type { chainLinkMachine } from '../../machines/chainLink.machine.ts';
import type { endpointWatchMachine } from '../../machines/endpointWatch.machine.ts';
import { createHeights, type Heights } from './heights.ts';
import { createPace, type Pace } from './pace.ts';

type Link = SnapshotFrom<typeof chainLinkMachine>;
type Watch = SnapshotFrom<typeof endpointWatchMachine>;

/** How the link to the chain is, in one word. A planned change of endpoints is none that worries anybody. */
export const linkStateOf = (link: Link): ChainFacts['link'] => {
  if (link.matches({ linked: 'connecting' })) return link.context.attempt === 0 ? 'opening' : 'lost';
  if (link.matches('reconnecting') || link.matches({ linked: 'stale' })) return 'lost';
  return link.matches('switching') ? 'opening' : 'following';
};

/** What is told of the chain and stays in no context. */
export type ChainNews = Pick<Pace, 'headAt' | 'blockMs'> & {
  readonly heights: Heights;
  readonly lostSince: () => number | null;
  readonly saw: (inspected: InspectionEvent, at: number) => void;
};

const isHead = (event: object): event is { readonly type: string; readonly head: Head } =>
  'head' in event && typeof event.head === 'object' && event.head !== null && 'block' in event.head;

export const createChainNews = (): ChainNews => {
  const pace = createPace();
  const heights = createHeights();
  let lostSince: number | null = null;

  const sawEvent = (ref: AnyActorRef, event: object & { readonly type: string }, at: number): void => {
    if (ref.id === 'chainLink' && event.type === 'head.finalized' && isHead(event)) pace.saw(event.head, at);
    if (ref.id === 'endpointWatch' && event.type === 'xstate.done.actor.compareHeights') {
      const { asked } = (ref.getSnapshot() as Watch).context;
      heights.compared({ asked, output: 'output' in event ? event.output : null });
    }
  };

  return {
    heights,
    headAt: pace.headAt,
    blockMs: pace.blockMs,
    lostSince: () => lostSince,
    saw: (inspected, at) => {
      const ref = inspected.actorRef as AnyActorRef;
      if (inspected.type === '@xstate.event') sawEvent(ref, inspected.event, at);
      if (inspected.type !== '@xstate.snapshot' || ref.id !== 'chainLink') return;
      const link = inspected.snapshot as Link;
      heights.using(link.context.endpoint);
      lostSince = linkStateOf(link) === 'lost' ? (lostSince ?? at) : null;
    },
  };
};
