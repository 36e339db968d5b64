import type { InspectionSession } from '../../../src/domain/view/inspection.ts';
import type { Chart } from '../../../src/inspector/chart.ts';
import type { Shown } from './feed.ts';
import { type Session, sessionOf } from './session.ts';

/** Hands text to the reader as a file. */
export const download = (name: string, type: string, text: string): void => {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads it after the click.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
};

/** What is shown, as the file that the daemon would give: up to the moment that is looked at. */
export const sessionFile = (shown: Shown, role: string, now: number): InspectionSession => ({
  format: 'miaoai.inspection',
  version: 1,
  role,
  exportedAt: now,
  actors: [...shown.actors.values()],
  entries: shown.session.entries.slice(0, shown.count),
  dropped: shown.session.dropped,
});

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** Reads an exported session; a sentence instead where the file is none. */
export const readSession = (text: string): Session | string => {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    return 'The file is no JSON. Drop one that "Session as JSON" has written.';
  }
  if (!isRecord(file) || file['format'] !== 'miaoai.inspection') {
    return 'The file is no exported session. Drop one that "Session as JSON" has written.';
  }
  if (file['version'] !== 1 || !Array.isArray(file['actors']) || !Array.isArray(file['entries'])) {
    return `The session has version ${String(file['version'])}, and this page reads version 1.`;
  }
  return sessionOf(file as InspectionSession);
};

/** Properties that the style sheet gives to a drawing; in the file they stand at each element. */
const drawn = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'font-family',
  'font-size',
  'font-weight',
  'opacity',
  'visibility',
] as const;

const copyLooks = (from: Element, to: Element): void => {
  const style = getComputedStyle(from);
  for (const name of drawn) to.setAttribute(name, style.getPropertyValue(name));
  to.removeAttribute('class');
  for (const [index, child] of [...from.children].entries()) {
    const copy = to.children[index];
    if (copy !== undefined) copyLooks(child, copy);
  }
};

/** The drawn chart with its lights and colours of this moment, as a file that stands alone. */
export const chartSvgText = (
  svg: SVGSVGElement,
  size: { readonly width: number; readonly height: number },
): string => {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  copyLooks(svg, copy);
  const { width, height } = size;
  const ground = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  ground.setAttribute('width', String(width));
  ground.setAttribute('height', String(height));
  ground.setAttribute('fill', getComputedStyle(svg).backgroundColor);
  copy.prepend(ground);
  copy.setAttribute('viewBox', `0 0 ${width} ${height}`);
  copy.setAttribute('width', String(width));
  copy.setAttribute('height', String(height));
  copy.removeAttribute('tabindex');
  return `${new XMLSerializer().serializeToString(copy)}\n`;
};

/** The chart as Mermaid text; its writer is fetched when it is first wanted. */
export const chartMermaidText = async (chart: Chart): Promise<string> => {
  const { mermaidOf } = await import('../../../src/inspector/mermaid.ts');
  return mermaidOf(chart);
};
