/** The value of a colour variable in the theme in use, as `rgb(…)`; a canvas does not know variables. */
export const colourIn = (element: HTMLElement, name: string): string => {
  const probe = document.createElement('i');
  probe.style.color = `var(--${name})`;
  (element.parentElement ?? element).append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
};

const channelsOf = (colour: string): readonly number[] =>
  (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);

/** Several colours as their red, green and blue, each 0 to 255. */
export const coloursOf = <Key extends string>(
  element: HTMLElement,
  names: Readonly<Record<Key, string>>,
): Readonly<Record<Key, readonly number[]>> =>
  Object.fromEntries(
    Object.entries<string>(names).map(([key, name]) => [key, channelsOf(colourIn(element, name))]),
  ) as Record<Key, readonly number[]>;
