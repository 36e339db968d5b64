import type { SnapshotFrom } from 'xstate';

import type { MinerRows, ServedRow } from '../../domain/view/minerView.ts';
import type { minerMachine } from '../../machines/miner.machine.ts';
import { validatorSessionOf } from './liveTree.ts';
import type { MinerNews } from './minerNews.ts';
import type { RequestLog } from './requestLog.ts';

type Root = SnapshotFrom<typeof minerMachine>;

/** Validators without a link are shown for an hour after they left. */
const keptMs = 3_600_000;

const stateOf = (root: Root, arrival: string): ServedRow['state'] => {
  const session = validatorSessionOf(root, arrival);
  if (session === null) return 'closed';
  const { snapshot } = session;
  if (snapshot.matches({ linked: 'greeting' })) return 'greeting';
  if (snapshot.matches({ linked: 'authorised' })) return 'ready';
  return snapshot.matches({ linked: 'serving' }) || snapshot.matches({ linked: 'closing' })
    ? 'busy'
    : 'closed';
};

/** One row for each validator with a link, or that had one lately, by hotkey. */
export const servedRowsOf = (given: {
  readonly root: Root | null;
  readonly news: MinerNews;
  readonly requests: RequestLog;
  readonly nowMs: number;
}): MinerRows['served'] => {
  const { root, news, requests, nowMs } = given;
  const rows: Record<string, ServedRow> = {};
  if (root === null) return rows;
  const neurons = new Map((root.context.subnet?.neurons ?? []).map((neuron) => [neuron.hotkey, neuron]));
  const enter = (
    hotkey: string,
    link: Pick<ServedRow, 'state' | 'sessionId' | 'since' | 'lastFailure'>,
  ): void => {
    const neuron = neurons.get(hotkey);
    const { uid = null, stake = null } = neuron ?? {};
    rows[hotkey] = { hotkey, uid, stake, ...link, counts: requests.countsOf(hotkey) };
  };
  for (const hotkey of requests.validators()) {
    const left = news.leftOf(hotkey);
    if (left === null || nowMs - left.at > keptMs) continue;
    enter(hotkey, { state: 'closed', sessionId: null, since: left.at, lastFailure: left.reason });
  }
  for (const [arrival, hotkey] of Object.entries(root.context.sessions)) {
    if (hotkey === null) continue;
    enter(hotkey, {
      state: stateOf(root, arrival),
      sessionId: validatorSessionOf(root, arrival)?.sessionId ?? null,
      since: news.arrivedAt(arrival) ?? nowMs,
      lastFailure: news.leftOf(hotkey)?.reason ?? null,
    });
  }
  return rows;
};
