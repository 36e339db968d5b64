import type { PortView } from '../../../../src/domain/view/minerView.ts';
import { countText, wordsText } from '../../format.ts';
import { EmptyState, Facts, Panel } from '../../parts/panel.tsx';

/** Who knocked at the port of this miner, and why it let them not in. */
export const PortPanel = ({ port }: { port: PortView | null | undefined }) => {
  const refused = Object.entries(port?.refused ?? {})
    .filter(([, count]) => count > 0)
    .toSorted(([, a], [, b]) => b - a);
  return (
    <Panel title="At the port">
      {port === null || port === undefined ? (
        <EmptyState title="The port is not open yet" />
      ) : (
        <Facts
          facts={[
            ['Connections', countText(port.connections)],
            ['Links proven', countText(port.established)],
            ...(refused.length === 0
              ? ([['Refused', 'none']] as const)
              : refused.map(
                  ([reason, count]) => [`Refused: ${wordsText(reason)}`, countText(count)] as const,
                )),
          ]}
        />
      )}
    </Panel>
  );
};
