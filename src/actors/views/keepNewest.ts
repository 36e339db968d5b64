/**
 * Puts an entry into a bounded table as its newest one; of more than `most` the entry goes that was not put for longest.
 * Called at each use, it keeps what is in use: by the time of the first use alone, the oldest would be the busiest.
 */
export const keepNewest = <Key, Value>(
  table: Map<Key, Value>,
  { key, value, most }: { readonly key: Key; readonly value: Value; readonly most: number },
): void => {
  table.delete(key);
  table.set(key, value);
  if (table.size <= most) return;
  const oldest = table.keys().next();
  if (!oldest.done) table.delete(oldest.value);
};
