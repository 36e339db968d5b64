import type { RoundPlanned } from '#src/domain/evidence.ts';
import type { CrashStage } from './crashStage.ts';
import { laneUri } from './crashStage.ts';
import type { Evidence } from './systemEvidence.ts';
import { hotkeyOf } from './systemNetwork.ts';

export type Scene = {
  readonly stage: CrashStage;
  /** Number of the validator, which is its uid as well. */
  readonly lane: number;
  /** The epoch in which its data folder was made. */
  readonly sinceEpoch: number;
};

const pairOf = (taskId: string, hotkey: string): string => `${taskId} ${hotkey}`;

const pairsOf = ({ tasks, cohort }: RoundPlanned): readonly string[] =>
  tasks.flatMap(({ taskId }) => cohort.map(({ hotkey }) => pairOf(taskId, hotkey)));

/** Every round that has ended decided each of its pairs exactly once, and no round decided one twice. */
const countProblems = (evidence: Evidence): readonly string[] => {
  const decided = new Map<string, string[]>();
  for (const { roundId, taskId, hotkey } of evidence.of('answer.judged')) {
    const pairs = decided.get(roundId) ?? [];
    pairs.push(pairOf(taskId, hotkey));
    decided.set(roundId, pairs);
  }
  const open = new Set(evidence.derivation.openRounds);
  return evidence.of('round.planned').flatMap((round) => {
    const { roundId } = round;
    const pairs = decided.get(roundId) ?? [];
    if (new Set(pairs).size !== pairs.length) return [`round ${roundId} decided a pair twice`];
    const missing = pairsOf(round).filter((pair) => !pairs.includes(pair));
    if (missing.length === 0 || open.has(roundId)) return [];
    return [`round ${roundId} has ended without an outcome of ${missing.length} pairs`];
  });
};

/** What the witness was told is durable has to be in the log, as it was answered. */
const acknowledgementProblems = (evidence: Evidence, { stage, lane }: Scene): readonly string[] => {
  const validator = hotkeyOf(laneUri(lane));
  const recorded = new Map(
    evidence
      .of('answer.judged')
      .filter(({ hotkey }) => hotkey === stage.witness.hotkey)
      .map(({ taskId, outcome, answer }) => [taskId, { outcome, answer: JSON.stringify(answer) }] as const),
  );
  const planned = new Map(
    evidence.of('round.planned').map(({ roundId, tasks }) => [roundId, tasks] as const),
  );
  return stage.witness
    .seen()
    .filter((task) => task.validator === validator && task.isAcknowledged && planned.has(task.roundId))
    .flatMap(({ roundId, request, answer }) => {
      const isIt = (text: string): boolean => text === JSON.stringify(request);
      const task = planned.get(roundId)?.find((entry) => isIt(JSON.stringify(entry.request)));
      const found = recorded.get(task?.taskId ?? '');
      if (found === undefined) return [`an acknowledged answer of round ${roundId} is not in the log`];
      const isKept = found.answer === JSON.stringify(answer) && found.outcome !== 'missed';
      return isKept ? [] : [`an acknowledged answer of round ${roundId} is ${found.outcome} in the log`];
    });
};

/**
 * The chain has at most one vector of each epoch, and it is the one in the log. In the epoch in which its data folder
 * was made, and before, another one may have set weights.
 */
const submissionProblems = (evidence: Evidence, { stage, lane, sinceEpoch }: Scene): readonly string[] => {
  const ours = stage.watch.weightsSet().filter(({ validator }) => validator === lane);
  const scored = new Map(evidence.of('epoch.scored').map(({ epoch, vector }) => [epoch, vector] as const));
  return ours.flatMap(({ epoch, uids, values }, index) => {
    if (ours.findIndex((other) => other.epoch === epoch) !== index)
      return [`weights of epoch ${epoch} are on chain twice`];
    const vector = scored.get(epoch);
    if (vector === undefined || epoch <= sinceEpoch) return [];
    const isSame = JSON.stringify([vector.uids, vector.values]) === JSON.stringify([uids, values]);
    return isSame ? [] : [`weights of epoch ${epoch} on chain are not those in the log`];
  });
};

const unsoundness = ({ derivation }: Evidence): readonly string[] => {
  if (derivation.sound) return [];
  const broken = derivation.violations.map(({ rule, detail }) => `audit: ${rule}: ${detail}`);
  const unequal = derivation.epochs
    .filter(({ equal }) => !equal)
    .map(({ epoch }) => `epoch ${epoch} differs`);
  return [...broken, ...unequal, 'the audit is not sound'];
};

/** What contradicts the promises, from the log and the chain; empty when all hold. */
export const problemsOf = (evidence: Evidence, scene: Scene): readonly string[] => [
  ...unsoundness(evidence),
  ...countProblems(evidence),
  ...acknowledgementProblems(evidence, scene),
  ...submissionProblems(evidence, scene),
];
