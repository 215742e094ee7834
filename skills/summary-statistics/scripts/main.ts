interface Inputs {
  values: number[];
  population?: boolean;
}

/** Neumaier's sum: the rounding errors of a long series do not add up. */
function total(values: readonly number[]): number {
  let sum = 0;
  let lost = 0;
  for (const value of values) {
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return sum + lost;
}

function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] as number;
  const above = sorted[Math.ceil(place)] as number;
  return below + (above - below) * (place - Math.floor(place));
}

export function run({ values, population = false }: Inputs) {
  values.forEach((value, index) => {
    if (!Number.isFinite(value)) throw new TypeError(`values[${index}] is not a finite number`);
  });
  const count = values.length;
  if (count === 0) throw new RangeError('values is empty: there is nothing to describe');
  const sorted = [...values].sort((left, right) => left - right);
  const sum = total(values);
  const mean = sum / count;
  const squares = total(values.map((value) => (value - mean) ** 2));
  const freedom = population ? count : count - 1;
  const variance = freedom > 0 ? squares / freedom : null;
  return {
    count,
    sum,
    mean,
    min: sorted[0] as number,
    q1: quantile(sorted, 0.25),
    median: quantile(sorted, 0.5),
    q3: quantile(sorted, 0.75),
    max: sorted[count - 1] as number,
    variance,
    standardDeviation: variance === null ? null : Math.sqrt(variance),
  };
}
