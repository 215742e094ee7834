const isNested = (value) => typeof value === 'object' && value !== null && Object.keys(value).length > 0;

const step = (path, key, inArray) => {
  if (inArray) return `${path}[${key}]`;
  if (/^[^.[\]"\\]+$/.test(key)) return path === '' ? key : `${path}.${key}`;
  return `${path}[${JSON.stringify(key)}]`;
};

const set = (target, key, value) =>
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });

function flatten(value, path, flat) {
  if (!isNested(value)) return set(flat, path, value);
  for (const key of Object.keys(value)) flatten(value[key], step(path, key, Array.isArray(value)), flat);
  return flat;
}

function keysOf(path) {
  const keys = [];
  const token = /\.?([^.[\]"\\]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y;
  while (token.lastIndex < path.length) {
    const at = token.lastIndex;
    const found = token.exec(path);
    if (found === null) throw new SyntaxError(`cannot read the path ${JSON.stringify(path)} at offset ${at}`);
    keys.push(found[2] === undefined ? (found[1] ?? JSON.parse(found[3])) : Number(found[2]));
  }
  return keys;
}

function rebuild(flat) {
  const top = {};
  for (const [path, value] of Object.entries(flat)) {
    let at = top;
    let key = 'value';
    for (const next of path === '' ? [] : keysOf(path)) {
      if (!Object.hasOwn(at, key)) set(at, key, typeof next === 'number' ? [] : {});
      at = at[key];
      if (typeof at !== 'object' || at === null)
        throw new RangeError(`${JSON.stringify(path)} goes through a value`);
      // A list as long as a stray index says would fill the memory.
      if (typeof next === 'number' && next > 1_000_000)
        throw new RangeError(`the index ${next} is too large`);
      key = next;
    }
    set(at, key, value);
  }
  return Object.hasOwn(top, 'value') ? top.value : {};
}

export function run({ json, unflatten: back = false }) {
  if (!back) return isNested(json) ? flatten(json, '', {}) : { '': json };
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new TypeError('json must be an object of paths');
  return rebuild(json);
}
