import { describe, expect, it } from 'vitest';
import { createRuntime, defaultPallets } from '#src/devnet/runtime.ts';
import {
  type CaseShape,
  type MetadataShape,
  type PalletShape,
  RECORDED_SPEC,
  recordedBytes,
  recordingsDir,
  shapeOf,
} from './recording.ts';

/** Pallets of the embedded chain; every one of them is in the recording. */
const palletNames = [
  'System',
  'Timestamp',
  'Aura',
  'Balances',
  'TransactionPayment',
  'SubtensorModule',
  'Utility',
  'Sudo',
  'Commitments',
  'AdminUtils',
  'Drand',
];
const devnetOnly = new Set(['DevnetAllowLoopbackAxon', 'DevnetAllowShortTempo']);
const withoutStorage = new Set(['Utility', 'AdminUtils']);

/** Declared for spec 425 and not in the recording of 343, with what brought them. */
const newItems: Readonly<Record<string, string>> = {
  RegisteredSubnetCounter: 'netuids that are used again',
  MaxMechanismCount: 'bound of mechanisms per subnet',
  LastEpochBlock: 'stateful epochs',
  PendingEpochAt: 'stateful epochs',
  SubnetEpochIndex: 'stateful epochs',
  MaxEpochsPerBlock: 'stateful epochs',
  MinNonImmuneUids: 'bound of immune uids',
  ActivityCutoffFactorMilli: 'activity cutoff in tempos',
  StartCallDelay: 'delay of the start call that root can set',
  BurnHalfLife: 'decaying price of registration',
  BurnIncreaseMult: 'decaying price of registration',
  OwnerCutEnabled: 'optional cut of the owner',
  OwnerCutAutoLockEnabled: 'optional cut of the owner',
  SubnetEmissionEnabled: 'emission that can be turned off',
  RootAlphaDividendsPerSubnet: 'dividends of root in alpha',
  VotingPower: 'voting power of hotkeys',
  MinerBurned: 'emission withheld from owners',
  AlphaV2: 'share pools with floating shares',
  TotalHotkeySharesV2: 'share pools with floating shares',
};
const newCalls: Readonly<Record<string, string>> = {
  register_limit: 'decaying price of registration',
  set_tempo: 'tempo set by owners',
  set_activity_cutoff_factor: 'activity cutoff in tempos',
  trigger_epoch: 'stateful epochs',
  sudo_set_burn_half_life: 'decaying price of registration',
  sudo_set_burn_increase_mult: 'decaying price of registration',
  sudo_set_max_epochs_per_block: 'stateful epochs',
  sudo_set_max_mechanism_count: 'bound of mechanisms per subnet',
  sudo_set_min_non_immune_uids: 'bound of immune uids',
  sudo_set_owner_cut_auto_lock_enabled: 'optional cut of the owner',
  sudo_set_owner_cut_enabled: 'optional cut of the owner',
  sudo_set_start_call_delay: 'delay of the start call that root can set',
  sudo_set_subnet_emission_enabled: 'emission that can be turned off',
};
const newEvents: Readonly<Record<string, string>> = {
  EpochTriggered: 'stateful epochs',
  EpochDeferred: 'stateful epochs',
  EpochSkipped: 'stateful epochs',
  ActivityCutoffFactorMilliSet: 'activity cutoff in tempos',
  MaxEpochsPerBlockSet: 'stateful epochs',
  MinNonImmuneUidsSet: 'bound of immune uids',
  StartCallDelaySet: 'delay of the start call that root can set',
  BurnHalfLifeSet: 'decaying price of registration',
  BurnIncreaseMultSet: 'decaying price of registration',
  SubnetEmissionEnabledSet: 'emission that can be turned off',
};
/** Fields that stand before the recorded ones since. */
const addedFields: Readonly<Record<string, readonly string[]>> = {
  BatchWeightItemFailed: ['_: u16'],
};
const newErrors: Readonly<Record<string, string>> = {
  InvalidRevealRound: 'reveal rounds checked at commit',
  RegistrationPriceLimitExceeded: 'decaying price of registration',
  TempoOutOfBounds: 'tempo set by owners',
  EpochTriggerAlreadyPending: 'stateful epochs',
  AutoEpochAlreadyImminent: 'stateful epochs',
  DynamicTempoBlockedByCommitReveal: 'tempo set by owners',
  ActivityCutoffFactorMilliOutOfBounds: 'activity cutoff in tempos',
  TooManyUIDsPerMechanism: 'bound of mechanisms per subnet',
  ActiveLockExists: 'locked stake',
  InsufficientStakeForLock: 'locked stake',
  LockHotkeyMismatch: 'locked stake',
  NoExistingLock: 'locked stake',
  StakeUnavailable: 'locked stake',
  UnlockAmountTooHigh: 'locked stake',
  AnnouncedColdkeyHashDoesNotMatch: 'announced swaps of coldkeys',
  ColdkeySwapAlreadyDisputed: 'announced swaps of coldkeys',
  ColdkeySwapAnnounced: 'announced swaps of coldkeys',
  ColdkeySwapAnnouncementNotFound: 'announced swaps of coldkeys',
  ColdkeySwapClearTooEarly: 'announced swaps of coldkeys',
  ColdkeySwapDisputed: 'announced swaps of coldkeys',
  ColdkeySwapReannouncedTooEarly: 'announced swaps of coldkeys',
  ColdkeySwapTooEarly: 'announced swaps of coldkeys',
  CannotUseSystemAccount: 'calls for accounts of subnets',
  AddStakeBurnRateLimitExceeded: 'stake that is burned',
  DisabledTemporarily: 'calls turned off for a time',
  InvalidVotingPowerEmaAlpha: 'voting power of hotkeys',
  VotingPowerTrackingNotEnabled: 'voting power of hotkeys',
  NewHotKeyNotCleanForRootSwap: 'swaps of hotkeys on root',
  NotPermittedOnRootSubnet: 'decaying price of registration',
  POWRegistrationDisabled: 'end of proof of work',
  Deprecated: 'calls that remain without doing anything',
};
const newMethods: Readonly<Record<string, string>> = {
  SubnetInfoRuntimeApi_get_subnet_hyperparams_v3: 'self-describing hyperparameters',
  SubnetInfoRuntimeApi_get_next_epoch_start_block: 'stateful epochs',
};
const newExtensions: Readonly<Record<string, string>> = {
  SudoTransactionExtension: 'checks of the sudo key',
  CheckShieldedTxValidity: 'encrypted transactions',
};

/** Values that changed between the two specs: what each of them has, and why. */
const changedDefaults: Readonly<Record<string, readonly [ours: string, recorded: string, why: string]>> = {
  MaxAllowedUids: ['0x0001', '0x0010', 'InitialMaxAllowedUids went from 4096 to 256'],
};
/** Hyperparameters that have a rate limit of their own since. */
const newHyperparameters = {
  after: /25 MaxAllowedUids\(\)/,
  names:
    '; 26 BurnHalfLife(); 27 BurnIncreaseMult(); 28 SubnetEmissionEnabled(); 29 MinChildkeyTake(); ' +
    '30 ActivityCutoffFactorMilli(); 31 TriggerEpoch()',
};
/** Position in their enum is all that may differ: names were inserted before them. Clients go by the name. */
const movingIndices = new Set(['SubtensorModule events', 'SubtensorModule errors']);
/** A method's text where the specs differ, with the recorded text. */
const widened = {
  why: 'the activity cutoff in blocks outgrew u16',
  in: [
    'get_metagraph',
    'get_mechagraph',
    'get_all_metagraphs',
    'get_all_mechagraphs',
    'get_selective_metagraph',
    'get_selective_mechagraph',
    'get_subnet_hyperparams',
    'get_subnet_hyperparams_v2',
  ],
  ours: /activity_cutoff: (enum \{ 0 None\(\); 1 Some\()?Compact<u64>/,
  recorded: (_: string, some = ''): string => `activity_cutoff: ${some}Compact<u16>`,
};

const runtime = createRuntime({ blockTimeMs: 12_000, pallets: defaultPallets });

const palletOf = (shape: MetadataShape, name: string): PalletShape => {
  const pallet = shape.pallets.get(name);
  if (pallet === undefined) throw new Error(`no pallet ${name}`);
  return pallet;
};
const absentFrom = (ours: ReadonlyMap<string, unknown>, recorded: ReadonlyMap<string, unknown>): string[] =>
  [...ours.keys()].filter((name) => !recorded.has(name) && !devnetOnly.has(name));
/** Only what both have; the outer event of System.Events lists the pallets, and the real chain has more of them. */
const common = <A>(ours: ReadonlyMap<string, A>, recorded: ReadonlyMap<string, A>): [string, A, A][] =>
  [...ours].flatMap(([name, shape]) => {
    const other = recorded.get(name);
    return other === undefined || name === 'Events' ? [] : [[name, shape, other] as [string, A, A]];
  });

describe.skipIf(recordingsDir === undefined).each([14, 15] as const)(
  `devnet / metadata against the recording of spec ${RECORDED_SPEC}, version %i (needs FINNEY_METADATA_DIR)`,
  (version) => {
    // Bodies of skipped blocks run too.
    const empty: MetadataShape = { pallets: new Map(), methods: new Map(), extensions: [] };
    const recorded = recordingsDir === undefined ? empty : shapeOf(recordedBytes(version));
    const ours = shapeOf(runtime.metadata(version));

    describe.each(palletNames)('%s', (name) => {
      const ourPallet = (): PalletShape => palletOf(ours, name);
      const realPallet = (): PalletShape => palletOf(recorded, name);

      it('stores under the same keys, as the same types, with the same defaults', () => {
        expect(ourPallet().index).toBe(realPallet().index);
        const pairs = common(ourPallet().storage, realPallet().storage);
        if (!withoutStorage.has(name)) expect(pairs.length).toBeGreaterThan(0);
        for (const [item, mine, real] of pairs) {
          const [fallback, realFallback] = changedDefaults[item] ?? [real.fallback, real.fallback];
          const key = real.key.replace(newHyperparameters.after, `$&${newHyperparameters.names}`);
          expect([item, mine]).toEqual([item, { ...real, key, fallback }]);
          expect([item, real.fallback]).toEqual([item, realFallback]);
        }
      });

      it('takes the same calls with the same arguments', () => {
        for (const [call, mine, real] of common(ourPallet().calls, realPallet().calls))
          expect([call, mine]).toEqual([call, real]);
      });

      it.each(['events', 'errors'] as const)('has the same %s', (kind) => {
        const isMoving = movingIndices.has(`${name} ${kind}`);
        const compared = ({ index, fields }: CaseShape) => (isMoving ? { fields } : { index, fields });
        for (const [item, mine, real] of common(ourPallet()[kind], realPallet()[kind])) {
          const fields = [...(addedFields[item] ?? []), ...real.fields];
          expect([item, compared(mine)]).toEqual([item, compared({ ...real, fields })]);
        }
      });
    });

    it('declares beyond the recording only what later specs brought', () => {
      const absent = (kind: 'storage' | 'calls' | 'events' | 'errors') =>
        [
          ...new Set(
            palletNames.flatMap((name) =>
              absentFrom(palletOf(ours, name)[kind], palletOf(recorded, name)[kind]),
            ),
          ),
        ].toSorted();
      expect(absent('storage')).toEqual(Object.keys(newItems).toSorted());
      expect(absent('calls')).toEqual(Object.keys(newCalls).toSorted());
      expect(absent('events')).toEqual(Object.keys(newEvents).toSorted());
      expect(absent('errors')).toEqual(Object.keys(newErrors).toSorted());
    });

    it('has the same transaction extensions in the same order, but for the two new ones, which add no bytes', () => {
      const isNew = ({ name }: { readonly name: string }) => Object.hasOwn(newExtensions, name);
      expect(ours.extensions.filter((extension) => !isNew(extension))).toEqual(recorded.extensions);
      const added = Object.keys(newExtensions).map((name) => ({ name, extra: '{  }', implicit: '()' }));
      expect(ours.extensions.filter(isNew)).toEqual(added);
    });

    it.runIf(version === 15)('answers runtime APIs with the same arguments and results', () => {
      expect(absentFrom(ours.methods, recorded.methods).toSorted()).toEqual(
        Object.keys(newMethods).toSorted(),
      );
      const changed: string[] = [];
      for (const [method, mine, real] of common(ours.methods, recorded.methods)) {
        const output = mine.output.replace(widened.ours, widened.recorded);
        if (output !== mine.output) changed.push(method.replace('SubnetInfoRuntimeApi_', ''));
        expect([method, { ...mine, output }]).toEqual([method, real]);
      }
      expect(changed.toSorted()).toEqual(widened.in.toSorted());
    });
  },
);
