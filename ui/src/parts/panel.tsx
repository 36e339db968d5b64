import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

/** A titled region of the page. `note` says its gist, `tools` are its controls; `isFlush` lets a table reach the edge. */
export const Panel = (props: {
  title: string;
  note?: ComponentChildren;
  tools?: ComponentChildren;
  class?: string;
  isFlush?: boolean;
  children: ComponentChildren;
}) => {
  const id = useId();
  return (
    <section class={`panel ${props.isFlush ? 'panel-flush' : ''} ${props.class ?? ''}`} aria-labelledby={id}>
      <header class="panel-head">
        <h2 id={id}>{props.title}</h2>
        {props.note === undefined ? null : <span class="panel-note">{props.note}</span>}
        {props.tools === undefined ? null : <div class="panel-tools">{props.tools}</div>}
      </header>
      <div class="panel-body">{props.children}</div>
    </section>
  );
};

/** One figure with its name, inside of a `Tiles`. */
export const Tile = (props: {
  name: string;
  children: ComponentChildren;
  note?: ComponentChildren;
  isSmall?: boolean;
}) => (
  <div class={`tile ${props.isSmall ? 'tile-small' : ''}`}>
    <dd>
      {props.children}
      {props.note === undefined ? null : <span class="tile-note">{props.note}</span>}
    </dd>
    <dt>{props.name}</dt>
  </div>
);

export const Tiles = ({ children }: { children: ComponentChildren }) => <dl class="tiles">{children}</dl>;

/** Names and values one below the other. */
export const Facts = ({ facts }: { facts: readonly (readonly [string, ComponentChildren])[] }) => (
  <dl class="facts">
    {facts.map(([name, value]) => [<dt key={name}>{name}</dt>, <dd key={`${name}=`}>{value}</dd>])}
  </dl>
);

/** In place of what is not there: what is missing, and when or why it comes. */
export const EmptyState = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <p class="empty">
    <strong>{title}</strong>
    {children}
  </p>
);
