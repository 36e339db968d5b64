import { AnswerOutboxes } from '#src/actors/answerOutbox.ts';
import { listener } from '#src/actors/listener.actor.ts';
import { minerLink } from '#src/actors/minerLink.actor.ts';
import type { RefusalReason, TaskDesk } from '#src/actors/taskDesk.ts';
import type { Tracing } from '#src/actors/tracing/tracing.ts';
import { validatorLink } from '#src/actors/validatorLink.actor.ts';
import type { RoundPlanned } from '#src/domain/evidence.ts';
import { type Outcome, succeed } from '#src/domain/outcome.ts';
import { type Host, hostLink, openMinerLife, type ValidatorLife } from '#test/support/actors.ts';
import { type PlannedTask, rightAnswer } from '#test/support/actorsMiners.ts';
import { neuron, subnetAt } from '#test/support/machinesSubnet.ts';
import { GENESIS_HASH, identityOfUri, NETUID, testLimits, validatorIdentity } from '#test/support/peers.ts';

/** Miners with the real link and outbox, whose model is the test: it decides when which task is done. */

type Answered = Outcome<Record<string, unknown>, RefusalReason>;
type Asked = { readonly request: unknown; readonly finish: (result: Answered) => void };

const rules = { requirePermit: true, minValidatorStake: 0 };

export const openOutboxMiner = async (
  uri: string,
  own: { readonly desk?: TaskDesk; readonly tracing?: Tracing } = {},
) => {
  const identity = identityOfUri(uri);
  const life = await openMinerLife(own.tracing ?? null);
  life.chain.subnet = subnetAt({ neurons: [neuron(0, validatorIdentity.hotkey, null)] });
  const asked: Asked[] = [];
  const answer = ({ request }: { readonly request: unknown }): Promise<Answered> =>
    new Promise((finish) => void asked.push({ request, finish }));
  const desk: TaskDesk = own.desk ?? {
    kinds: () => ['sentiment_analysis', 'text_classification'],
    models: () => [],
    join: () => ({ share: () => 256, answer, leave: () => {} }),
  };
  const logic = listener(life.runtime, {
    identity,
    netuid: NETUID,
    limits: testLimits,
    host: '127.0.0.1',
    port: 0,
    ...rules,
  });
  const door = hostLink(logic, { genesisHash: GENESIS_HASH });
  const { port } = await door.event('listener.bound');
  const links: Host[] = [];
  const serveNext = async (nth: number): Promise<void> => {
    const { arrival } = await door.event('peer.arrived', nth);
    links.push(hostLink(validatorLink(life.runtime, { desk, rules }), { arrival: String(arrival) }));
  };
  return {
    hotkey: identity.hotkey,
    asked,
    outbox: await life.runtime.runPromise(AnswerOutboxes),
    /** The validator's side of a new link. */
    dial: async (validator: ValidatorLife): Promise<Host> => {
      validator.chain.genesisHash = GENESIS_HASH;
      const settings = { identity: validatorIdentity, netuid: NETUID, limits: testLimits };
      const serving = serveNext(links.length + 1);
      const host = hostLink(minerLink(validator.runtime, settings), {
        hotkey: identity.hotkey,
        axon: { ip: '127.0.0.1', port: Number(port) },
      });
      await serving;
      await host.event('link.opened');
      return host;
    },
    /** Finishes the nth task that was begun as a perfect model would. */
    finish: (nth: number, plan: RoundPlanned): void => {
      const begun = asked[nth];
      const isIt = (task: PlannedTask) => JSON.stringify(task.request) === JSON.stringify(begun?.request);
      const task = plan.tasks.find(isIt);
      if (begun === undefined || task === undefined) throw new Error(`task ${nth} was not begun`);
      begun.finish(succeed(rightAnswer(task)));
    },
    end: async () => {
      for (const host of links) host.leave();
      door.leave();
      await life.end();
    },
  };
};

export type OutboxMiner = Awaited<ReturnType<typeof openOutboxMiner>>;
