/** What injection changed, line by line. */
import type { Paint } from './paint.ts';
import { plainText } from './plain-text.ts';

export interface ChangedLine {
  readonly line: number;
  readonly before: string;
  readonly after: string;
}

/** Injection moves no line, so that lines are compared place by place. */
export function changedLines(before: string, after: string): ChangedLine[] {
  const old = before.split('\n');
  const fresh = after.split('\n');
  const changed: ChangedLine[] = [];
  for (let at = 0; at < Math.max(old.length, fresh.length); at += 1) {
    const pair = { before: old[at] ?? '', after: fresh[at] ?? '' };
    if (pair.before !== pair.after) changed.push({ line: at + 1, ...pair });
  }
  return changed;
}

/** The whole source with line numbers; `-` and `+` stand before what was there and what is there now. */
export function markChanges(before: string, after: string, paint: Paint): string {
  const old = before.replace(/\n$/, '').split('\n');
  const changed = new Map(changedLines(before, after).map((each) => [each.line, each]));
  const digits = String(old.length).length;
  const lines = old.flatMap((text, at) => {
    const number = String(at + 1).padStart(digits);
    const change = changed.get(at + 1);
    if (!change) return [`  ${paint('dim', number)}  ${plainText(text)}`];
    return [
      paint('red', `- ${number}  ${plainText(change.before)}`),
      paint('green', `+ ${number}  ${plainText(change.after)}`),
    ];
  });
  return lines.join('\n');
}
