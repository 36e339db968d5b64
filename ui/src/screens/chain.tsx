import type { ChainView, EndpointView } from '../../../src/domain/view/commonView.ts';
import { linkLevel } from '../chainStates.ts';
import { useNow } from '../clock.ts';
import { amountText, blockText, clockText, countText, wordsText } from '../format.ts';
import { useSlice } from '../live.ts';
import { StateBadge } from '../parts/badges.tsx';
import { EmptyState, Facts, Panel } from '../parts/panel.tsx';
import { Table } from '../parts/table.tsx';
import { standingOf } from './chain/standing.ts';
import './chain/chain.css';

/** A lag of up to here is what two nodes differ by at any moment. */
const usualLagBlocks = 2;

const EndpointState = ({ endpoint }: { endpoint: EndpointView }) => {
  const { isCurrent, lag, lastFailure } = endpoint;
  if (isCurrent && (lag ?? 0) <= usualLagBlocks) return <StateBadge state="ok">in use</StateBadge>;
  if (isCurrent) return <StateBadge state="attention">in use, behind</StateBadge>;
  if (lastFailure !== null) return <StateBadge state="failing">failed</StateBadge>;
  return <StateBadge state="none">standing by</StateBadge>;
};

const Endpoints = ({ endpoints }: { endpoints: readonly EndpointView[] }) => (
  <Panel title="Endpoints" class="span-8" isFlush note="tried in this order">
    <Table
      caption="Endpoints of the chain in the order in which they are tried"
      rows={endpoints}
      keyOf={({ url }) => url}
      columns={[
        { key: 'url', title: 'Address', show: ({ url }) => <code class="chain-url">{url}</code> },
        {
          key: 'state',
          title: 'State',
          isLine: true,
          show: (endpoint) => <EndpointState endpoint={endpoint} />,
        },
        { key: 'block', title: 'Block', isRight: true, show: ({ block }) => blockText(block) },
        {
          key: 'lag',
          title: 'Lag',
          isRight: true,
          show: ({ lag }) => countText(lag),
          sort: ({ lag }) => lag,
        },
        { key: 'failure', title: 'Last failure', show: ({ lastFailure }) => lastFailure ?? '–' },
      ]}
      empty={<EmptyState title="No endpoint is configured" />}
    />
  </Panel>
);

const Link = ({ chain }: { chain: ChainView }) => {
  const now = useNow();
  return (
    <Panel title="Link" class="span-4">
      <Facts
        facts={[
          [
            'State',
            <StateBadge key="state" state={linkLevel(chain.state)}>
              {chain.state}
            </StateBadge>,
          ],
          ['Finalized block', blockText(chain.finalizedBlock)],
          [
            'Newest head',
            chain.headAt === null ? 'never' : `${clockText(Math.max(0, now - chain.headAt))} ago`,
          ],
          ['Metagraph of block', blockText(chain.metagraphBlock)],
          ['Neurons', countText(chain.neurons)],
          ['Last failure', chain.lastFailure ?? 'none'],
        ]}
      />
    </Panel>
  );
};

const Registration = ({ chain }: { chain: ChainView }) => {
  const { registration } = chain;
  if (registration === null) {
    return (
      <Panel title="Registration" class="span-4">
        {standingOf(chain) === 'unknown' ? (
          <EmptyState title="Not known yet">The first metagraph tells.</EmptyState>
        ) : (
          <EmptyState title="This hotkey is not registered">
            Register it with <code>miaoai register</code>; the daemon goes on by itself.
          </EmptyState>
        )}
      </Panel>
    );
  }
  return (
    <Panel title="Registration" class="span-4">
      <Facts
        facts={[
          ['uid', String(registration.uid)],
          ['Registered at', `block ${blockText(registration.registeredAtBlock)}`],
          [
            'Immune',
            registration.immuneForBlocks > 0
              ? `for ${countText(registration.immuneForBlocks)} blocks`
              : 'no longer',
          ],
          [
            'Validator permit',
            <StateBadge key="permit" state={registration.hasPermit ? 'ready' : 'none'}>
              {registration.hasPermit ? 'yes' : 'no'}
            </StateBadge>,
          ],
          ['Stake', `${amountText(registration.stake)} α`],
        ]}
      />
    </Panel>
  );
};

const ruleText = (value: number | boolean): string =>
  typeof value === 'boolean' ? (value ? 'yes' : 'no') : countText(value);

const Rules = ({ chain }: { chain: ChainView }) => (
  <Panel
    title="Hyperparameters"
    class="span-8"
    isFlush
    note={`read in block ${blockText(chain.metagraphBlock)}`}
  >
    <Table
      caption="Rules of the subnet as the chain has them"
      rows={Object.entries(chain.hyperparameters)}
      keyOf={([name]) => name}
      columns={[
        { key: 'name', title: 'Rule', show: ([name]) => wordsText(name), sort: ([name]) => name },
        { key: 'value', title: 'Value', isRight: true, show: ([, value]) => ruleText(value) },
        { key: 'storage', title: 'Name', show: ([name]) => <code>{name}</code> },
      ]}
      empty={<EmptyState title="Not read yet">They come with the first metagraph.</EmptyState>}
    />
  </Panel>
);

const Runtime = ({ chain }: { chain: ChainView }) => (
  <Panel title="Runtime">
    <Facts
      facts={[
        ['Spec version', countText(chain.specVersion)],
        ['Genesis', <code key="genesis">{chain.genesisHash ?? '–'}</code>],
      ]}
    />
  </Panel>
);

/** Am I connected, registered, allowed: what is known of the chain. */
export const ChainScreen = () => {
  const chain = useSlice<ChainView>('chain');
  if (chain === undefined) return <EmptyState title="Nothing is known of the chain yet" />;
  return (
    <div class="columns">
      <Endpoints endpoints={chain.endpoints} />
      <Link chain={chain} />
      <Rules chain={chain} />
      <div class="span-4 chain-stack">
        <Registration chain={chain} />
        <Runtime chain={chain} />
      </div>
    </div>
  );
};
