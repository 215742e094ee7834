import parseCsv from 'skill:parse-csv';

interface Inputs {
  text: string;
  delimiter?: string;
}

type Column =
  | { column: string; kind: 'number'; count: number; missing: number; mean: number; min: number; max: number }
  | { column: string; kind: 'text'; count: number; missing: number; distinct: number };

function summary(column: string, fields: readonly string[]): Column {
  const present = fields.map((field) => field.trim()).filter((field) => field !== '');
  const base = { column, count: present.length, missing: fields.length - present.length };
  const numbers = present.map(Number);
  if (present.length === 0 || !numbers.every(Number.isFinite)) {
    return { ...base, kind: 'text', distinct: new Set(present).size };
  }
  return {
    ...base,
    kind: 'number',
    mean: numbers.reduce((sum, value) => sum + value, 0) / numbers.length,
    min: numbers.reduce((least, value) => Math.min(least, value)),
    max: numbers.reduce((most, value) => Math.max(most, value)),
  };
}

export default function csvStats({ text, delimiter = ',' }: Inputs): Column[] {
  const [header = [], ...rows] = parseCsv({ text, delimiter, header: false }) as string[][];
  return header.map((column, index) =>
    summary(
      column,
      rows.map((row) => row[index] ?? ''),
    ),
  );
}
