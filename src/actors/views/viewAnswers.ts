import type { Verdict } from '../../domain/view/verdict.ts';
import { liveness, readiness } from './probes.ts';
import type { Picture, Publisher } from './publisher.ts';
import type { RuntimeGauge } from './runtimeGauge.ts';
import type { ViewSource } from './viewSource.ts';

/** What the views of both roles answer alike: the last picture, whole, in short, and as probes. */
export const viewAnswers = <Slices extends { readonly health: Verdict }, Rows extends object>(
  publisher: Publisher<Slices, Rows>,
  gauge: RuntimeGauge,
  statusOf: (picture: Picture<Slices, Rows>) => unknown,
): Omit<ViewSource<Slices, Rows>, 'onInspection' | 'close'> => ({
  hello: publisher.hello,
  subscribe: publisher.subscribe,
  slices: () => publisher.picture().slices,
  rows: () => publisher.picture().rows,
  live: () => liveness(gauge),
  ready: () => readiness(publisher.picture().slices.health),
  status: () => statusOf(publisher.picture()),
});
