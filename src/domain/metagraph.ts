import type { BlockNumber, EpochIndex, Hotkey, Netuid, Uid } from './ids.ts';

/** Where a neuron says it can be reached (`SubtensorModule.Axons`). */
export type Axon = {
  /** Dotted IPv4 or plain IPv6 text. */
  readonly ip: string;
  readonly port: number;
};

/**
 * One neuron at one block. Rows are ordered by uid in a snapshot, but state outside is keyed by hotkey: a uid is
 * given to another hotkey when its neuron is pruned.
 */
export type Neuron = {
  readonly uid: Uid;
  readonly hotkey: Hotkey;
  readonly coldkey: string;
  /** null when nothing was served, or withdrawn (ip 0). */
  readonly axon: Axon | null;
  readonly active: boolean;
  readonly validatorPermit: boolean;
  /** Block of the last weights set or committed (mechanism 0). */
  readonly lastUpdate: BlockNumber;
  readonly blockAtRegistration: BlockNumber;
  /** Total stake weight in alpha (not rao): own alpha + TAO weight × root TAO. */
  readonly stake: number;
  /** Fractions of 65535, as the chain stores them. */
  readonly incentive: number;
  readonly dividends: number;
  readonly consensus: number;
  readonly validatorTrust: number;
  /** Alpha rao of the last epoch. */
  readonly emissionRao: number;
};

/** Subnet rules a client needs before it acts; names follow the pallet's storage items. */
export type Hyperparameters = {
  readonly tempo: number;
  readonly weightsVersionKey: number;
  readonly weightsSetRateLimitBlocks: number;
  readonly minAllowedWeights: number;
  readonly commitRevealWeightsEnabled: boolean;
  /** Version a timelocked commit must name; 4 is the one this program writes. */
  readonly commitRevealVersion: number;
  /** Epochs between the one of a commit and the one in which the chain reveals it. */
  readonly revealPeriodEpochs: number;
  readonly activityCutoffBlocks: number;
  readonly immunityPeriodBlocks: number;
  readonly maxAllowedUids: number;
  /** While no more uids than this are not immune, an immune one is pruned. */
  readonly minNonImmuneUids: number;
  /** Last blocks of an epoch in which the owner may change no hyperparameter. */
  readonly adminFreezeWindowBlocks: number;
  readonly maxAllowedValidators: number;
  readonly servingRateLimitBlocks: number;
  /** Minimum stake weight for setting weights, in alpha (not rao). */
  readonly stakeThreshold: number;
};

/** A subnet at exactly one block hash. */
export type SubnetSnapshot = {
  readonly netuid: Netuid;
  readonly block: BlockNumber;
  readonly blockHash: string;
  /** Version of the runtime in the state of this block. */
  readonly specVersion: number;
  /** `SubnetEpochIndex`: epochs run so far; weights set now count for the epoch that ends at `nextEpochBlock`. */
  readonly epochIndex: EpochIndex;
  readonly lastEpochBlock: BlockNumber;
  /** First block in which the next epoch runs. */
  readonly nextEpochBlock: BlockNumber;
  readonly ownerHotkey: Hotkey | null;
  readonly hyperparameters: Hyperparameters;
  /** Index = uid. */
  readonly neurons: readonly Neuron[];
};

/** A finalized block header as followed by the chain link. */
export type Head = {
  readonly block: BlockNumber;
  readonly blockHash: string;
};
