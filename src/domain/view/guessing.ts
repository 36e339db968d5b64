/** What one miner's graded answers say of it: how many, their mean accuracy, and what guessing would have earned. */
export type AnswerRecord = {
  readonly judged: number;
  /** Mean, in [0, 1]. */
  readonly accuracy: number;
  /** Mean chance level of the same answers, in [0, 1]. */
  readonly chance: number;
};

/** Fewer answers say nothing of anybody. */
export const leastAnswers = 20;
/** A miner with at least this part of the way from chance to perfection knows something. */
export const honestSkill = 0.5;
/**
 * For one look at a miner with exactly that skill; it falls steeply with more of it. At ten new answers a minute of each
 * of 256 miners who all are that poor, one would be named wrongly for a moment every seven hours at the very most; with
 * a skill of 0.8 the bound of a whole year is below one in a million, from 60 answers on.
 */
export const falseNameRate = 1e-6;
/** Answers this unlikely to come from guessing are no guesses, however few of them are right. */
const beyondLuckRate = 0.05;

const toName = { belowHonestNats: -Math.log(falseNameRate), luckNats: -Math.log(beyondLuckRate) } as const;
/** A third of the evidence keeps a name, and luck has to be three times as great. */
const toKeep = { belowHonestNats: toName.belowHonestNats / 3, luckNats: toName.luckNats * 3 } as const;

/**
 * Divergence of two coins, in nats. The chance that n independent values in [0, 1] whose mean is expected to be `q` have
 * a mean as far on the side of `p` is at most `exp(-n × divergence(p, q))` (Hoeffding 1963, theorem 1; it holds for
 * values of different expectations as well, which tasks of different kinds have).
 */
const divergence = (p: number, q: number): number => {
  const term = (x: number, y: number): number => (x === 0 ? 0 : x * Math.log(x / y));
  return term(p, q) + term(1 - p, 1 - q);
};

/**
 * Whether a miner answers no better than guessing, beyond doubt. Two things must hold:
 *
 * - its accuracy is so low that a miner with skill `honestSkill` or more has it in at most `falseNameRate` of all looks;
 * - its accuracy is none that guessing would reach in less than one of twenty looks: a poor model is no guess.
 *
 * Answers that were not graded (missed, refused, invalid) are no guesses and do not count. A miner that was named stays
 * named while the evidence is not clearly for it: at the edge one lucky answer must not make a name come and go.
 */
export const isGuessing = ({ judged, accuracy, chance }: AnswerRecord, wasNamed = false): boolean => {
  if (judged < leastAnswers || !(chance >= 0 && chance < 1)) return false;
  const honest = chance + honestSkill * (1 - chance);
  if (!(accuracy < honest)) return false;
  const { belowHonestNats, luckNats } = wasNamed ? toKeep : toName;
  const isBelowHonest = judged * divergence(accuracy, honest) >= belowHonestNats;
  const isLuck = accuracy <= chance || (chance > 0 && judged * divergence(accuracy, chance) < luckNats);
  return isBelowHonest && isLuck;
};
