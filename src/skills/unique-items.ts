/** `uniqueItems` in linear time: ajv compares every item with every other. */

/** Whether two items are equal as JSON Schema means it: the same JSON value, key order aside. */
export function hasRepeats(items: readonly unknown[]): boolean {
  const seen = new Set<string>();
  for (const item of items) {
    seen.add(identity(item));
  }
  return seen.size < items.length;
}

/** A text that two values share exactly when they are equal. */
function identity(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return `${typeof value}:${String(value)}`;
  if (Array.isArray(value)) return `[${value.map(identity).join(',')}]`;
  let text = '{';
  for (const key of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[key];
    if (member !== undefined) text += `${JSON.stringify(key)}:${identity(member)},`;
  }
  return text;
}
