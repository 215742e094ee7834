const lookUp = (path, source) =>
  path.split('.').reduce((at, key) => {
    const isOwn = typeof at === 'object' && at !== null && Object.hasOwn(at, key);
    return isOwn ? at[key] : undefined;
  }, source);

const shown = (value) => (typeof value === 'object' ? JSON.stringify(value) : String(value));

export default function fillTemplate({ template, values = {}, keepMissing = false }, context = {}) {
  const missing = new Set();
  const text = template.replace(/\{\{([^{}|]*)(?:\|([^{}]*))?\}\}/g, (placeholder, name, fallback) => {
    const path = name.trim();
    const value = lookUp(path, values) ?? lookUp(path, context) ?? fallback;
    if (value !== undefined) return shown(value);
    missing.add(path);
    return placeholder;
  });
  if (missing.size > 0 && !keepMissing) throw new RangeError(`no value for ${[...missing].join(', ')}`);
  return text;
}
