import {
  type CallbackActorLogic,
  type EventObject,
  fromCallback,
  fromPromise,
  type PromiseActorLogic,
} from 'xstate';

/**
 * A one-shot actor that was declared by a machine and must be handed in by `src/actors`. It fails by name, so that a
 * forgotten `provide` is a visible defect and not a state that waits for ever.
 */
export const unprovidedTask = <Output, Input extends object>(
  name: string,
): PromiseActorLogic<Output, Input> =>
  fromPromise<Output, Input>(() => Promise.reject(new Error(`actor \`${name}\` was not provided`)));

/** The same for a long-lived actor. */
export const unprovidedLink = <Input extends object, Receives extends EventObject = EventObject>(
  name: string,
): CallbackActorLogic<Receives, Input> =>
  fromCallback<Receives, Input>(() => {
    throw new Error(`actor \`${name}\` was not provided`);
  });
