import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import { StoreUnavailable } from './errors.ts';
import type { Connection, RedisLink } from './redisLink.ts';
import type { ExchangeKind, Exchanges } from './storeThread.ts';

/** How each kind of question is answered on a connection. */
export type Answers<Kinds extends ExchangeKind> = {
  readonly [Kind in Kinds]: (
    connection: Connection,
    ask: Exchanges[Kind]['ask'],
  ) => Promise<Exchanges[Kind]['answer']>;
};

/** Asks the server once; whatever trouble it is in, the asker only learns that there is no answer now. */
export const answerBy =
  <Kinds extends ExchangeKind>(link: RedisLink, answers: Answers<Kinds>) =>
  async <Kind extends Kinds>(
    kind: Kind,
    ask: Exchanges[Kind]['ask'],
  ): Promise<Outcome<Exchanges[Kind]['answer'], StoreUnavailable>> => {
    const outcome = await link.use((connection) => answers[kind](connection, ask));
    return outcome.ok
      ? succeed(outcome.value)
      : fail(new StoreUnavailable({ message: outcome.error.message }));
  };
