/** Messages that wait for a receiver. */
export type StatelyQueue = {
  readonly addDefinition: (text: string) => void;
  readonly addNews: (text: string) => void;
  /** What goes next; undefined where nothing waits. */
  readonly take: () => string | undefined;
  readonly state: () => { readonly queued: number; readonly dropped: number };
  readonly clear: () => void;
};

export const maxQueued = 1_000;
/** Of all that waits together: a message of a large actor has tens of kilobytes. */
export const maxQueuedCharacters = 8 * 1_048_576;
/** Definitions leave this much to the news: over days, most of them are of actors that ended. */
const keptNews = maxQueued / 4;

/**
 * A queue that forgets the oldest rather than grow. Definitions of actors go before the news, which nobody understands
 * without them, and are forgotten after them.
 */
export const createStatelyQueue = (): StatelyQueue => {
  let definitions: string[] = [];
  let news: string[] = [];
  let characters = 0;
  let dropped = 0;

  const taken = (text: string | undefined): string | undefined => {
    characters -= text?.length ?? 0;
    return text;
  };

  const isFull = (): boolean =>
    definitions.length + news.length > maxQueued || characters > maxQueuedCharacters;

  const add = (kind: string[], text: string): void => {
    kind.push(text);
    characters += text.length;
    while (isFull()) {
      const isNews = news.length > keptNews || definitions.length === 0;
      taken((isNews ? news : definitions).shift());
      dropped += 1;
    }
  };

  return {
    addDefinition: (text) => add(definitions, text),
    addNews: (text) => add(news, text),
    take: () => taken(definitions.shift() ?? news.shift()),
    state: () => ({ queued: definitions.length + news.length, dropped }),
    clear: () => {
      definitions = [];
      news = [];
      characters = 0;
    },
  };
};
