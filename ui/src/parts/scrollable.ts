/** Attributes of an area that scrolls: without a place in the tab order the keyboard could not reach it. */
export const scrollable = { tabindex: 0 } as const;
