/** What a question may take at most unless its asker says more. */
const usualPatienceMs = 30_000;

/** The same answer, or a failure where it does not come. */
const within = <A>(asked: Promise<A>, patienceMs: number): Promise<A> =>
  new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new Error(`no answer within ${patienceMs / 1_000} s`));
    const timer = setTimeout(giveUp, patienceMs).unref();
    asked.finally(() => clearTimeout(timer)).then(resolve, reject);
  });

/**
 * A question whose answer holds for a while: whoever asks meanwhile gets the same one, also while it is being worked
 * on. A failure is not remembered, and neither is a question without an answer after `patienceMs`.
 */
export const remembered = <A>(
  ask: () => Promise<A>,
  holdsMs: number,
  patienceMs = usualPatienceMs,
): (() => Promise<A>) => {
  let answer: { readonly promise: Promise<A>; until: number } | null = null;
  return () => {
    if (answer !== null && performance.now() < answer.until) return answer.promise;
    const asked = { promise: within(ask(), patienceMs), until: Number.POSITIVE_INFINITY };
    answer = asked;
    asked.promise.then(
      () => {
        asked.until = performance.now() + holdsMs;
      },
      () => {
        asked.until = 0;
      },
    );
    return asked.promise;
  };
};
