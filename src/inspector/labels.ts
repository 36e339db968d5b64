/**
 * Names for what a statechart holds: references are strings, parameterised references carry a `type`, and everything
 * inline is a function, which is named by what it says.
 */

/** Long enough for a condition, short enough for a table. */
const maxSourceChars = 120;

/** Text of an arrow function's body on one line; of anything else, its name. */
export const sourceOf = (
  fn: { readonly name: string; toString(): string },
  maxChars: number = maxSourceChars,
): string => {
  const text = fn
    .toString()
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/, ([})\]])/g, ' $1')
    .trim();
  const arrow = text.indexOf('=>');
  const body = arrow === -1 ? fn.name : unwrapped(text.slice(arrow + 2).trim());
  return body.length > maxChars ? `${body.slice(0, maxChars - 1)}…` : body;
};

/** `(expression)` without the parentheses an object literal needs, `expression` otherwise. */
const unwrapped = (body: string): string =>
  body.startsWith('({') && body.endsWith('})') ? body.slice(1, -1) : body;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';

const field = (value: unknown, key: string): unknown => (isRecord(value) ? value[key] : undefined);

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** A guard as a reader would write it: `isDue`, `not isDue`, `in #machine.state`, or the inline condition. */
export const guardLabel = (guard: unknown): string => {
  if (typeof guard === 'string') return guard;
  const guards = field(guard, 'guards');
  if (Array.isArray(guards)) {
    const parts = guards.map(guardLabel);
    const name = text(field(guard, 'name')) ?? '';
    return name === 'not' ? `not ${parts.join()}` : parts.join(` ${name} `);
  }
  const stateValue = field(guard, 'stateValue');
  if (stateValue !== undefined) return `in ${text(stateValue) ?? JSON.stringify(stateValue)}`;
  if (typeof guard === 'function') return sourceOf(guard);
  return text(field(guard, 'type')) ?? 'condition';
};

/** Who a `sendTo` or `stopChild` is for: a child's id, the name of the function that finds it, or nobody we can name. */
const recipient = (target: unknown): string => text(target) ?? text(field(target, 'name')) ?? '';

/** An action by its name; built-in ones with what they are about: `assign epoch`, `sendTo cohort round.expire`. */
export const actionLabel = (action: unknown): string => {
  if (typeof action === 'string') return action;
  const type = text(field(action, 'type')) ?? text(field(action, 'name')) ?? 'action';
  const name = type.replace(/^xstate\./, '');
  const assignment = field(action, 'assignment');
  const parts = {
    assign: typeof assignment === 'object' && assignment !== null ? Object.keys(assignment).join(', ') : '',
    sendTo: `${recipient(field(action, 'to'))} ${text(field(field(action, 'event'), 'type')) ?? ''}`,
    stopChild: recipient(field(action, 'actorRef')),
  };
  const about = Object.hasOwn(parts, name) ? parts[name as keyof typeof parts] : '';
  return `${name} ${about.trim()}`.trim();
};

/** An event type as a reader knows it; XState's own ones without their prefixes. */
export const eventLabel = (eventType: string): string => {
  if (eventType === '') return 'always';
  const [, kind, name] = /^xstate\.(done|error)\.actor\.(.+)$/.exec(eventType) ?? [];
  if (kind !== undefined) return `${kind} ${name}`;
  return eventType.startsWith('xstate.done.state.') ? 'done' : eventType;
};
