/**
 * Which queued texts run together. Pure: the queue is data, the answer is a list of positions in it.
 *
 * There is no timed wait: this is asked only when a worker is free, and answers with at least one item. Under light
 * load it degenerates to one text per run, which is then also the fastest.
 */

/** What the batcher needs to know of a queued text. */
export type Waiting = {
  readonly model: string;
  /** Length in tokens, special tokens included; at least 1. */
  readonly tokens: number;
  /** Set on a text whose batch failed: it is tried once more by itself, so that it cannot fail its neighbours. */
  readonly alone: boolean;
};

/**
 * Tokens per run at which a CPU core reaches its plateau: below 64 the run is dominated by overhead, beyond about
 * 2,000 activations leave the second-level cache. Measured on MiniLM, 6-128 tokens a text.
 */
export const CPU_TOKEN_BUDGET = 256;

/** A GPU wants more rows per launch. A starting value, not a measured optimum: see the pool's `tokenBudget`. */
export const GPU_TOKEN_BUDGET = 2_048;

/** Lengths in one batch stay within this ratio of the oldest text, because the shorter ones are padded. */
const LENGTH_RATIO = 1.25;

/** How many texts of the same model are considered: a wider window finds better partners but costs time per run. */
const WINDOW = 64;

/** Shortest and longest text, in tokens, that may share a run with one of `tokens` tokens. */
export const partnerLengths = (tokens: number): { readonly shortest: number; readonly longest: number } => ({
  shortest: Math.max(1, Math.floor(tokens / LENGTH_RATIO)),
  longest: Math.ceil(tokens * LENGTH_RATIO),
});

/**
 * Positions, ascending, of the texts to run next; empty only for an empty queue.
 *
 * The oldest text always runs. Younger ones of the same model and similar length join it, oldest first, while
 * rows × longest row stays within `tokenBudget`. One text longer than half the budget therefore goes alone.
 */
export const chooseBatch = (queue: readonly Waiting[], tokenBudget: number): readonly number[] => {
  const anchor = queue[0];
  if (anchor === undefined) return [];
  if (anchor.alone) return [0];
  const { shortest, longest } = partnerLengths(anchor.tokens);
  const chosen = [0];
  let width = anchor.tokens;
  let seen = 1;
  for (let position = 1; position < queue.length && seen < WINDOW; position += 1) {
    const item = queue[position];
    if (item === undefined || item.model !== anchor.model) continue;
    seen += 1;
    if (item.alone || item.tokens < shortest || item.tokens > longest) continue;
    const widened = Math.max(width, item.tokens);
    if ((chosen.length + 1) * widened > tokenBudget) continue;
    chosen.push(position);
    width = widened;
  }
  return chosen;
};
