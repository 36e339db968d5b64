import type { EpochView, WeightsView } from '../../../../src/domain/view/validatorView.ts';
import { type EpochClock, epochClockOf } from '../../epochClock.ts';
import { blocksTimeText, blockText, countText, pluralText } from '../../format.ts';
import { StateBadge } from '../../parts/badges.tsx';
import { EmptyState, Panel, Tile, Tiles } from '../../parts/panel.tsx';

const percent = (share: number): string => `${(share * 100).toFixed(2)}%`;
/** Labels right of here hang to the left of their mark, so that they stay within the panel. */
const turnShare = 0.6;
const side = (share: number): string => (share > turnShare ? 'clock-mark-left' : '');

const Mark = (props: { share: number; kind: 'due' | 'confirmed' | 'now'; children: string }) => (
  <span class={`clock-mark clock-${props.kind} ${side(props.share)}`} style={{ left: percent(props.share) }}>
    <span>{props.children}</span>
  </span>
);

const Bar = ({ clock, epoch, isLate }: { clock: EpochClock; epoch: EpochView; isLate: boolean }) => {
  const text =
    `${countText(clock.done)} of ${countText(clock.blocks)} blocks of the epoch are done; ` +
    `weights are due from block ${blockText(epoch.weightsDueAtBlock)}`;
  return (
    <div class="clock" role="img" aria-label={text}>
      <Mark share={clock.dueShare} kind="due">
        {`weights due · ${blockText(epoch.weightsDueAtBlock)}`}
      </Mark>
      <div class="clock-bar">
        <span class="clock-window" style={{ left: percent(clock.dueShare) }} />
        <span class="clock-done" style={{ width: percent(clock.doneShare) }} />
        {isLate ? (
          <span
            class="clock-late"
            style={{ left: percent(clock.dueShare), width: percent(clock.doneShare - clock.dueShare) }}
          />
        ) : null}
      </div>
      {clock.confirmed === null ? null : (
        <Mark share={clock.confirmed.share} kind="confirmed">
          {clock.confirmed.isBefore ? 'confirmed in the epoch before' : 'weights confirmed'}
        </Mark>
      )}
    </div>
  );
};

const isConfirmed = (epoch: EpochView, weights: WeightsView | undefined): boolean =>
  (weights?.lastConfirmedEpoch ?? -1) >= epoch.epoch;

const dueText = (clock: EpochClock, epoch: EpochView, weights: WeightsView | undefined): string => {
  if (isConfirmed(epoch, weights)) return 'confirmed';
  if (clock.dueIn > 0) return `in ${pluralText(clock.dueIn, 'block')}`;
  return weights?.state.startsWith('setting') ? 'being set' : 'due now';
};

/** The region of the rounds alone: `collecting.steady` of `rounds.collecting.steady + weights.waiting`. */
const roundsText = (state: string): string =>
  state
    .split(' + ')
    .find((region) => region.startsWith('rounds.'))
    ?.slice('rounds.'.length) ?? state;

const dueNote = (clock: EpochClock, epoch: EpochView, weights: WeightsView | undefined): string => {
  if (isConfirmed(epoch, weights)) return 'of this epoch';
  return clock.dueIn > 0
    ? blocksTimeText(clock.dueIn, epoch.blockMs)
    : `due ${pluralText(-clock.dueIn, 'block')} ago`;
};

const Figures = ({
  clock,
  epoch,
  weights,
}: {
  clock: EpochClock;
  epoch: EpochView;
  weights: WeightsView | undefined;
}) => (
  <Tiles>
    <Tile name="Weights" note={dueNote(clock, epoch, weights)}>
      {dueText(clock, epoch, weights)}
    </Tile>
    <Tile name="Epoch ends" note={blocksTimeText(clock.left, epoch.blockMs)}>
      in {pluralText(clock.left, 'block')}
    </Tile>
    <Tile
      name="Last confirmed weights"
      note={
        clock.confirmed === null
          ? 'none seen yet'
          : `block ${blockText(weights?.lastConfirmedAtBlock)}, ${pluralText(clock.confirmed.ago, 'block')} ago`
      }
    >
      {weights === undefined || weights.lastConfirmedEpoch === null
        ? 'none'
        : `epoch ${countText(weights.lastConfirmedEpoch)}`}
    </Tile>
    <Tile name="Rounds this epoch" note={roundsText(epoch.state)}>
      {countText(epoch.rounds)}
    </Tile>
  </Tiles>
);

/** The epoch as a clock: how far it is, when weights are due, and which were confirmed last. */
export const EpochPanel = (props: { epoch: EpochView | null; weights: WeightsView | undefined }) => {
  const { epoch, weights } = props;
  if (epoch === null) {
    return (
      <Panel title="Epoch" class="span-8">
        <EmptyState title="No epoch yet">It begins with the first metagraph of the chain.</EmptyState>
      </Panel>
    );
  }
  const clock = epochClockOf(epoch, weights);
  const behind = weights?.behind ?? 0;
  return (
    <Panel
      title={`Epoch ${countText(epoch.epoch)}`}
      class="span-8"
      note={`block ${blockText(epoch.block)}, ${countText(clock.done)} of ${countText(clock.blocks)}`}
      tools={
        behind > 0 ? (
          <StateBadge state="attention">{pluralText(behind, 'epoch')} behind</StateBadge>
        ) : undefined
      }
    >
      <Bar clock={clock} epoch={epoch} isLate={clock.dueIn < 0 && !isConfirmed(epoch, weights)} />
      {epoch.holds.length === 0 ? null : (
        <p class="overview-hold">
          <StateBadge state="attention">No round begins now: {epoch.holds.join(', ')}</StateBadge>
        </p>
      )}
      <Figures clock={clock} epoch={epoch} weights={weights} />
    </Panel>
  );
};
