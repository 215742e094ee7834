interface Inputs {
  start: string;
  every: 'day' | 'week' | 'month';
  interval?: number;
  /** For weeks: 0 is Sunday. */
  weekdays?: number[];
  /** For months: 1 to 31, or -1 for the last day. */
  monthDay?: number;
  count?: number;
}

const DAY_MS = 86_400_000;
const isoDate = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

function midnight(date: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(ms) || isoDate(ms) !== date)
    throw new RangeError(`${JSON.stringify(date)} is no date of the form YYYY-MM-DD`);
  return ms;
}

function monthly(start: number, interval: number, monthDay: number, count: number): string[] {
  const from = new Date(start);
  const dates: string[] = [];
  for (let month = 0; dates.length < count; month += interval) {
    const lastDay = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + month + 1, 0)).getUTCDate();
    const day = monthDay === -1 ? lastDay : Math.min(monthDay, lastDay);
    const date = Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + month, day);
    if (date >= start) dates.push(isoDate(date));
  }
  return dates;
}

function weekly(start: number, interval: number, weekdays: readonly number[], count: number): string[] {
  const wanted = new Set(weekdays);
  if (wanted.size === 0) throw new RangeError('weekdays is empty: no day would ever fit');
  const sunday = start - new Date(start).getUTCDay() * DAY_MS;
  const dates: string[] = [];
  for (let day = start; dates.length < count; day += DAY_MS) {
    const week = Math.floor((day - sunday) / (7 * DAY_MS));
    if (week % interval === 0 && wanted.has(new Date(day).getUTCDay())) dates.push(isoDate(day));
  }
  return dates;
}

function main(inputs: Inputs): string[] {
  const { every, interval = 1, count = 5 } = inputs;
  const start = midnight(inputs.start);
  if (!Number.isInteger(interval) || interval < 1)
    throw new RangeError('interval must be a whole number above 0');
  if (every === 'month')
    return monthly(start, interval, inputs.monthDay ?? new Date(start).getUTCDate(), count);
  if (every === 'week')
    return weekly(start, interval, inputs.weekdays ?? [new Date(start).getUTCDay()], count);
  return Array.from({ length: count }, (_, index) => isoDate(start + index * interval * DAY_MS));
}
