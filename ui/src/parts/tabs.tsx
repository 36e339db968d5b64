import type { ComponentChildren } from 'preact';

export type Tab<Value extends string> = { readonly value: Value; readonly label: ComponentChildren };

/** A choice of one among few; a press on the chosen one changes nothing. */
export const Tabs = <Value extends string>(props: {
  label: string;
  tabs: readonly Tab<Value>[];
  value: Value;
  onChange: (value: Value) => void;
}) => (
  <fieldset class="tabs" aria-label={props.label}>
    {props.tabs.map(({ value, label }) => (
      <button
        key={value}
        type="button"
        aria-pressed={value === props.value}
        onClick={() => props.onChange(value)}
      >
        {label}
      </button>
    ))}
  </fieldset>
);
