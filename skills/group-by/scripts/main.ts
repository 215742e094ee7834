type Row = Record<string, unknown>;
type Measure = { field?: string; as?: string; measure: 'count' | 'sum' | 'mean' | 'min' | 'max' };

interface Inputs {
  rows: Row[];
  by: string[];
  measures?: Measure[];
}

const own = (row: Row, field: string): unknown => (Object.hasOwn(row, field) ? (row[field] ?? null) : null);

function numbers(rows: readonly (readonly [number, Row])[], field: string): number[] {
  return rows.flatMap(([index, row]) => {
    const value = own(row, field);
    if (value === null) return [];
    if (typeof value !== 'number') throw new TypeError(`rows[${index}].${field} is not a number`);
    return [value];
  });
}

function compute(rows: readonly (readonly [number, Row])[], { field, measure }: Measure): number | null {
  if (measure === 'count' && field === undefined) return rows.length;
  if (field === undefined) throw new TypeError(`the measure ${measure} needs a field`);
  if (measure === 'count') return rows.filter(([, row]) => own(row, field) !== null).length;
  const values = numbers(rows, field);
  const sum = values.reduce((total, value) => total + value, 0);
  if (measure === 'sum') return sum;
  if (values.length === 0) return null;
  if (measure === 'mean') return sum / values.length;
  return values.reduce((best, value) => (measure === 'min' ? Math.min(best, value) : Math.max(best, value)));
}

export default ({ rows, by, measures = [{ measure: 'count' }] }: Inputs): Row[] => {
  const groups = new Map<string, (readonly [number, Row])[]>();
  for (const entry of rows.entries()) {
    const key = JSON.stringify(by.map((field) => own(entry[1], field)));
    const group = groups.get(key) ?? [];
    group.push(entry);
    groups.set(key, group);
  }
  return [...groups].map(([key, group]) => {
    const values = JSON.parse(key) as unknown[];
    const names = measures.map(
      ({ as, field, measure }) => as ?? (field === undefined ? measure : `${measure}_${field}`),
    );
    return Object.fromEntries([
      ...by.map((field, index) => [field, values[index]]),
      ...measures.map((measure, index) => [names[index], compute(group, measure)]),
    ]) as Row;
  });
};
