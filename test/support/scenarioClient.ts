import { ApiPromise, WsProvider } from '@polkadot/api';
import type { ApiOptions } from '@polkadot/api/types';
import { Keyring } from '@polkadot/keyring';

/** The owner of a development chain, with the unmodified client. */
export type SudoClient = {
  /** Calls as root; resolves when a block holds it. */
  readonly sudo: (section: string, method: string, ...args: readonly unknown[]) => Promise<void>;
  readonly close: () => Promise<void>;
};

export const openSudoClient = async (url: string): Promise<SudoClient> => {
  // The provider's own type and the one asked for differ under exactOptionalPropertyTypes alone.
  const provider = new WsProvider(url, 1_000) as unknown as NonNullable<ApiOptions['provider']>;
  const api = await ApiPromise.create({ provider, noInitWarn: true, throwOnConnect: true });
  const alice = new Keyring({ type: 'sr25519' }).addFromUri('//Alice');
  const find = (section: string, method: string) => {
    const call = api.tx[section]?.[method];
    if (call === undefined) throw new Error(`the client knows no call ${section}.${method}`);
    return call;
  };
  return {
    sudo: (section, method, ...args) =>
      new Promise((resolve, reject) => {
        find(
          'sudo',
          'sudo',
        )(find(section, method)(...args))
          .signAndSend(alice, ({ status, events }) => {
            // With instant finality both come at once, and the client tells of the last one only.
            if (!status.isInBlock && !status.isFinalized) return;
            const done = events.find(({ event }) => event.method === 'Sudid');
            const [outcome] = done?.event.data ?? [];
            if (outcome !== undefined && JSON.stringify(outcome.toJSON()) === '{"ok":null}') resolve();
            else reject(new Error(`${section}.${method} as root: ${String(outcome ?? 'no outcome')}`));
          })
          .catch(reject);
      }),
    close: () => api.disconnect(),
  };
};
