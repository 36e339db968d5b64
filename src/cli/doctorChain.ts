/** What the chain says of this hotkey: registration, weights, place on the subnet, address. */
import { formatAddress, parseAddress } from '../chain/addresses.ts';
import type { Config, MinerConfig, ValidatorConfig } from '../config.ts';
import type { BlockNumber } from '../domain/ids.ts';
import type { Axon, Neuron } from '../domain/metagraph.ts';
import type { SubmissionFacts } from '../domain/submissionFacts.ts';
import { forecastWeights, type WeightCheck, type WeightForecast } from '../domain/weightForecast.ts';
import type { Finding, Status } from './doctorReport.ts';

/** Required checks that time alone clears: part of a validator's ordinary life. */
const PASSING = new Set(['SettingWeightsTooFast', 'CommittingWeightsTooFast', 'TooManyUnrevealedCommits']);
/** Checks of a forecast that concern a miner as well. */
const OF_MINERS = new Set([
  'HotKeyNotRegisteredInSubNet',
  'DeregistrationRisk',
  'Immunity',
  'RevealWithinImmunity',
]);

const statusOf = ({ level, ok, check, clearsAtBlock }: WeightCheck): Status => {
  if (level === 'information') return 'information';
  if (ok) return 'ok';
  if (level === 'warning') return 'warning';
  return PASSING.has(check) && clearsAtBlock !== null ? 'waiting' : 'blocked';
};

const findingOf = (check: WeightCheck): Finding => ({
  area: check.level === 'required' ? 'weights' : 'subnet',
  check: check.check,
  status: statusOf(check),
  message: check.message,
});

const subnet = (check: string, message: string): Finding => ({
  area: 'subnet',
  check,
  status: 'information',
  message,
});

const rhythm = ({ subnet: { block, nextEpochBlock, hyperparameters } }: SubmissionFacts): Finding =>
  subnet(
    'Epoch',
    `block ${block}; the epoch ends in block ${nextEpochBlock}, in ${nextEpochBlock - block} blocks of ${hyperparameters.tempo}`,
  );

const commitReveal = ({ subnet: { hyperparameters }, waitingCommits }: SubmissionFacts): Finding => {
  const { commitRevealWeightsEnabled, commitRevealVersion, revealPeriodEpochs, immunityPeriodBlocks, tempo } =
    hyperparameters;
  if (!commitRevealWeightsEnabled) return subnet('CommitReveal', 'off: weights count at once');
  const message =
    `on, version ${commitRevealVersion}: weights are opened after ${revealPeriodEpochs} epochs (${revealPeriodEpochs * tempo} blocks; ` +
    `immunity lasts ${immunityPeriodBlocks}); ${waitingCommits.length} commits of this hotkey are waiting`;
  return subnet('CommitReveal', message);
};

const standing = (neuron: Neuron): Finding =>
  subnet(
    'Neuron',
    `uid ${neuron.uid}, stake weight ${neuron.stake}, ${neuron.validatorPermit ? 'with' : 'without'} a validator permit, registered in block ${neuron.blockAtRegistration}`,
  );

/** An address has several spellings, of which a metagraph shows one. */
const asOnChain = (ip: string): string => {
  const parsed = parseAddress(ip);
  return (parsed === null ? null : formatAddress(parsed.ip, parsed.ipType)) ?? ip;
};

/** `InvalidIpAddress` on the real chain (subnets/serving.rs); other private ranges pass. */
const loopback: ReadonlySet<string> = new Set(['127.0.0.1', '::1']);

const axon = (config: MinerConfig, neuron: Neuron | undefined): Finding => {
  const say = (status: Status, message: string): Finding => ({
    area: 'address',
    check: 'Axon',
    status,
    message,
  });
  if (config.axonIp === null) {
    return say(
      'blocked',
      'no address to publish: give --axon-ip (AXON_IP), the address validators reach it at',
    );
  }
  const ours = `${asOnChain(config.axonIp)} port ${config.externalPort ?? config.axonPort}`;
  const shown = neuron?.axon ?? null;
  if (shown === null && loopback.has(asOnChain(config.axonIp))) {
    return say(
      'warning',
      `${ours} is announced at the start, and only an embedded chain whose genesis has allowLoopbackAxon takes a loopback address: give the one validators reach it at`,
    );
  }
  if (shown === null)
    return say('information', `the chain shows no address; ${ours} is announced at the start`);
  const theirs = `${shown.ip} port ${shown.port}`;
  return theirs === ours
    ? say('ok', `the chain shows ${ours}`)
    : say('warning', `the chain shows ${theirs}; ${ours} is announced at the start`);
};

export type ChainVerdict = {
  readonly findings: readonly Finding[];
  /** null for a miner. */
  readonly forecast: WeightForecast | null;
  readonly nextAcceptedBlock: BlockNumber | null;
  /** Of this hotkey, as the chain shows it; null where it shows none. */
  readonly axon: Axon | null;
};

const generalFindings = (facts: SubmissionFacts, neuron: Neuron | undefined): readonly Finding[] => [
  ...(neuron === undefined ? [] : [standing(neuron)]),
  rhythm(facts),
  commitReveal(facts),
];

const examineValidator = (config: ValidatorConfig, facts: SubmissionFacts, neuron?: Neuron): ChainVerdict => {
  const forecast = forecastWeights({ facts, versionKey: config.versionKey });
  const findings = [...forecast.checks.map(findingOf), ...generalFindings(facts, neuron)];
  return { findings, forecast, nextAcceptedBlock: forecast.nextAcceptedBlock, axon: neuron?.axon ?? null };
};

const examineMiner = (config: MinerConfig, facts: SubmissionFacts, neuron?: Neuron): ChainVerdict => {
  const { checks } = forecastWeights({ facts, versionKey: 0 });
  const shared = checks.filter(({ check }) => OF_MINERS.has(check)).map(findingOf);
  const registered = shared.map((finding) =>
    finding.check === 'HotKeyNotRegisteredInSubNet' ? { ...finding, area: 'subnet' as const } : finding,
  );
  const findings = [...registered, ...generalFindings(facts, neuron), axon(config, neuron)];
  return { findings, forecast: null, nextAcceptedBlock: null, axon: neuron?.axon ?? null };
};

/** Judges one block's facts for the role of the daemon. */
export const examineFacts = (config: Config, facts: SubmissionFacts): ChainVerdict => {
  const neuron = facts.subnet.neurons.find(({ hotkey }) => hotkey === facts.hotkey);
  return config.role === 'validator'
    ? examineValidator(config, facts, neuron)
    : examineMiner(config, facts, neuron);
};
