interface Interval {
  start: string;
  end: string;
}

interface Inputs {
  from: string;
  to: string;
  busy: Interval[];
  minutes?: number;
}

function instant(text: string, name: string): number {
  const ms = /(?:Z|[+-]\d{2}:?\d{2})$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms))
    throw new RangeError(`${name} is no ISO 8601 time with a zone: ${JSON.stringify(text)}`);
  return ms;
}

const isoTime = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');

export function run({ from, to, busy, minutes = 30 }: Inputs): (Interval & { minutes: number })[] {
  const start = instant(from, 'from');
  const end = instant(to, 'to');
  if (end < start) throw new RangeError('to lies before from');
  const taken = busy
    .map((interval, index) => ({
      start: instant(interval.start, `busy[${index}].start`),
      end: instant(interval.end, `busy[${index}].end`),
    }))
    .sort((left, right) => left.start - right.start);
  const slots: (Interval & { minutes: number })[] = [];
  let free = start;
  for (const interval of [...taken, { start: end, end }]) {
    const until = Math.min(interval.start, end);
    const length = (until - free) / 60_000;
    if (length > 0 && length >= minutes)
      slots.push({ start: isoTime(free), end: isoTime(until), minutes: length });
    free = Math.max(free, interval.end);
  }
  return slots;
}
