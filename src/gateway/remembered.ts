/**
 * A question whose answer holds for a while: whoever asks meanwhile gets the same one, also while it is being worked
 * on. A failure is not remembered.
 */
export const remembered = <A>(ask: () => Promise<A>, holdsMs: number): (() => Promise<A>) => {
  let answer: { readonly promise: Promise<A>; until: number } | null = null;
  return () => {
    if (answer !== null && performance.now() < answer.until) return answer.promise;
    const asked = { promise: ask(), until: Number.POSITIVE_INFINITY };
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
