import * as Schema from 'effect/Schema';

import { Uid } from './ids.ts';

/** u16 weight as it goes on chain. */
const Weight = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }));

/** What `set_weights` takes: parallel lists, uids ascending and unique, at least one weight 65535 unless empty. */
export const WeightVector = Schema.Struct({
  uids: Schema.Array(Uid),
  values: Schema.Array(Weight),
});
export type WeightVector = typeof WeightVector.Type;
