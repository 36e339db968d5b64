import type { PruningOutlook } from './pruning.ts';
import type { ForecastRequest, WeightCheck } from './weightForecast.ts';

/** Pulses may reach the chain some blocks late; beyond this, in s, reveals are late or lost. */
const tolerableBeaconLagS = 300;

const inform = (check: string, message: string): WeightCheck => ({
  check,
  level: 'information',
  ok: true,
  message,
  retry: null,
  clearsAtBlock: null,
});

const warn = (check: string, isFine: boolean, message: string): WeightCheck => ({
  ...inform(check, message),
  level: 'warning',
  ok: isFine,
});

const rulesFrozen = ({ facts }: ForecastRequest): WeightCheck => {
  const { block, nextEpochBlock, hyperparameters } = facts.subnet;
  const from = nextEpochBlock - hyperparameters.adminFreezeWindowBlocks + 1;
  const message =
    block >= from
      ? `the owner can change no rule before block ${nextEpochBlock}`
      : `the owner may change rules until block ${from - 1}; not from there to the epoch in block ${nextEpochBlock}`;
  return inform('AdminFreezeWindow', message);
};

const deregistration = (pruning: PruningOutlook): WeightCheck => {
  const { rank, candidates, freePlaces } = pruning;
  const check = 'DeregistrationRisk';
  if (rank === null) return warn(check, true, 'this uid is not among those that can be pruned');
  const place = `number ${rank} of ${candidates} in the order of pruning`;
  if (freePlaces > 0) return warn(check, true, `${place}; ${freePlaces} free places are taken first`);
  if (rank > 1) return warn(check, true, `${place}; the subnet is full`);
  return warn(check, false, 'the next registration on this full subnet takes this uid: earn more emission');
};

const immunity = ({ immunityLeftBlocks, immuneUntilBlock }: PruningOutlook): WeightCheck =>
  inform(
    'Immunity',
    immunityLeftBlocks === 0
      ? `immunity ended in block ${immuneUntilBlock}`
      : `immune for ${immunityLeftBlocks} more blocks, until block ${immuneUntilBlock}`,
  );

/** New miners are judged by weights that count only after their reveal: immunity has to last longer. */
const revealBeforeImmunityEnds = ({ facts }: ForecastRequest): WeightCheck => {
  const { tempo, revealPeriodEpochs, immunityPeriodBlocks } = facts.subnet.hyperparameters;
  const revealBlocks = (revealPeriodEpochs + 1) * tempo;
  const isFine = immunityPeriodBlocks > revealBlocks;
  const periods = `immunity lasts ${immunityPeriodBlocks} blocks, weights count up to ${revealBlocks} blocks after their commit`;
  const advice = isFine ? '' : ': miners are pruned before their work counts; the owner has to change either';
  return warn('RevealWithinImmunity', isFine, `${periods}${advice}`);
};

const beaconLag = ({ facts }: ForecastRequest): WeightCheck | null => {
  const { beacon, blockTimeMs } = facts;
  if (beacon === null) return null;
  const check = 'BeaconLag';
  if (beacon.lastStoredRound === 0) {
    return warn(
      check,
      false,
      'the chain has stored no pulse of its beacon yet: nothing can be revealed so far',
    );
  }
  const storedAtS = beacon.genesisTimeS + (beacon.lastStoredRound - 1) * beacon.periodS;
  const lagS = Math.max(0, Math.round(blockTimeMs / 1_000 - storedAtS));
  const isFine = lagS <= tolerableBeaconLagS;
  const advice = isFine ? '' : ': commits whose pulse is missing in their reveal epoch are lost';
  return warn(
    check,
    isFine,
    `the chain's newest pulse, round ${beacon.lastStoredRound}, is ${lagS} s old${advice}`,
  );
};

/** What keeps no weights from being sent, but is worth knowing: of commit-reveal where it is on, and of this uid. */
export const outlookChecks = (
  request: ForecastRequest,
  pruning: PruningOutlook | null,
): readonly WeightCheck[] => {
  const isCommitted = request.facts.subnet.hyperparameters.commitRevealWeightsEnabled;
  return [
    ...(isCommitted ? [beaconLag(request), revealBeforeImmunityEnds(request)] : []),
    rulesFrozen(request),
    ...(pruning === null ? [] : [deregistration(pruning), immunity(pruning)]),
  ].filter((check) => check !== null);
};
