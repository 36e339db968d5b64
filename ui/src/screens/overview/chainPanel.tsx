import type { ChainView } from '../../../../src/domain/view/commonView.ts';
import { linkLevel } from '../../chainStates.ts';
import { useNow } from '../../clock.ts';
import { blockText, clockText, countText } from '../../format.ts';
import { StateBadge } from '../../parts/badges.tsx';
import { EmptyState, Facts, Panel } from '../../parts/panel.tsx';
import { permitText } from '../chain/standing.ts';

const HeadAge = ({ at }: { at: number | null }) => {
  const now = useNow();
  return <>{at === null ? 'never' : `${clockText(Math.max(0, now - at))} ago`}</>;
};

/** Whether the chain is followed, and where. */
export const ChainPanel = ({ chain }: { chain: ChainView | undefined }) => {
  const current = chain?.endpoints.find(({ isCurrent }) => isCurrent);
  return (
    <Panel title="Chain" tools={<a href="/chain">Chain</a>}>
      {chain === undefined ? (
        <EmptyState title="Nothing known yet" />
      ) : (
        <Facts
          facts={[
            [
              'Link',
              <StateBadge key="state" state={linkLevel(chain.state)}>
                {chain.state}
              </StateBadge>,
            ],
            ['Finalized', blockText(chain.finalizedBlock)],
            ['Newest head', <HeadAge key="head" at={chain.headAt} />],
            [
              'Endpoint',
              current === undefined
                ? 'none'
                : `${current.url}${current.lag ? `, ${countText(current.lag)} blocks behind` : ''}`,
            ],
            ['Permit', permitText(chain)],
          ]}
        />
      )}
    </Panel>
  );
};
