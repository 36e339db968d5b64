/** Elements of a drawn chart by the ids of states and transitions. */
type Elements = ReadonlyMap<string, readonly Element[]>;

const elementsBy = (svg: SVGSVGElement, attribute: string): Elements =>
  Map.groupBy(svg.querySelectorAll(`[${attribute}]`), (element) => element.getAttribute(attribute) ?? '');

const change = (
  elements: Elements,
  name: string,
  before: ReadonlySet<string>,
  after: ReadonlySet<string>,
): void => {
  for (const id of before.symmetricDifference(after)) {
    for (const element of elements.get(id) ?? []) element.classList.toggle(name, after.has(id));
  }
};

/**
 * Lights of a drawn chart. They are classes of elements that are there already: what is drawn stays, and a change costs
 * as much as it changes.
 */
export const createLights = (svg: SVGSVGElement) => {
  const states = elementsBy(svg, 'data-state');
  const transitions = elementsBy(svg, 'data-transition');
  let shownStates: readonly string[] = [];
  let shownTransitions: readonly string[] = [];
  let on: ReadonlySet<string> = new Set();
  let last: ReadonlySet<string> = new Set();
  return (active: readonly string[], taken: readonly string[]): void => {
    if (active !== shownStates) {
      const next = new Set(active);
      change(states, 'on', on, next);
      on = next;
      shownStates = active;
    }
    if (taken !== shownTransitions) {
      const next = new Set(taken);
      change(transitions, 'last', last, next);
      last = next;
      shownTransitions = taken;
    }
  };
};
