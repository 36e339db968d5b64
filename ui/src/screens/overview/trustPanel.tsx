import type { WeightsView } from '../../../../src/domain/view/validatorView.ts';
import { countText, fractionText, pluralText, signedText } from '../../format.ts';
import { EmptyState, Panel } from '../../parts/panel.tsx';
import { Sparkline } from '../../parts/sparkline.tsx';

/** Validator trust, the chain's own measure of how well the weights agree with everybody's. */
export const TrustPanel = ({ weights }: { weights: WeightsView | undefined }) => {
  const history = weights?.vtrust ?? [];
  const last = history.at(-1);
  const first = history[0];
  return (
    <Panel title="Validator trust" class="span-4" tools={<a href="/weights">Weights</a>}>
      {last === undefined || first === undefined ? (
        <EmptyState title="Not known yet">The chain computes it at the end of an epoch.</EmptyState>
      ) : (
        <div class="trust">
          <p>
            <span class="trust-value">{fractionText(last.value)}</span>
            <span class="tile-note">
              {signedText(last.value - first.value, 3)} over {pluralText(history.length, 'epoch')}
            </span>
          </p>
          <Sparkline
            label={`Validator trust from epoch ${countText(first.epoch)} to ${countText(last.epoch)}`}
            values={history.map(({ value }) => value)}
            heightPx={64}
          />
        </div>
      )}
    </Panel>
  );
};
