function median({ values }) {
  if (!Array.isArray(values) || values.length === 0)
    throw new RangeError('values is empty: it has no median');
  values.forEach((value, index) => {
    if (!Number.isFinite(value)) throw new TypeError(`values[${index}] is not a finite number`);
  });
  const sorted = [...values].sort((left, right) => left - right);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  // Not (lower + upper) / 2: two large numbers could overflow.
  return lower + (upper - lower) / 2;
}
