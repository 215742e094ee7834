interface Inputs {
  from: string;
  to?: string;
  days?: number;
  holidays?: string[];
  weekend?: number[];
}

interface Context {
  holidays?: string[];
}

const DAY_MS = 86_400_000;

/** Days since 1970-01-01, from a date that exists. */
function dayNumber(date: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(date)) {
    throw new RangeError(`${JSON.stringify(date)} is no date of the form YYYY-MM-DD`);
  }
  return ms / DAY_MS;
}

const isoDate = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);
/** 0 is Sunday; 1970-01-01 was a Thursday. */
const weekday = (day: number): number => (((day + 4) % 7) + 7) % 7;

export default function businessDays(
  inputs: Inputs,
  context: Context = {},
): { date: string } | { days: number } {
  const { from, to, days, weekend = [0, 6] } = inputs;
  const holidays = new Set([...(inputs.holidays ?? []), ...(context.holidays ?? [])].map(dayNumber));
  const off = new Set(weekend);
  if (off.size >= 7) throw new RangeError('a week without a working day has no business days');
  const isWorking = (day: number): boolean => !off.has(weekday(day)) && !holidays.has(day);
  let day = dayNumber(from);
  if (to !== undefined) {
    const end = dayNumber(to);
    const step = end < day ? -1 : 1;
    let count = 0;
    while (day !== end) {
      day += step;
      if (isWorking(day)) count += step;
    }
    return { days: count };
  }
  if (days === undefined) throw new TypeError('give either days or to');
  for (let left = Math.abs(days); left > 0;) {
    day += Math.sign(days);
    if (isWorking(day)) left -= 1;
  }
  return { date: isoDate(day) };
}
