/** The code blocks of a Markdown page. */

export interface Fence {
  /** What stands behind the backticks: `ts`, `sh`, `text`, `json` … */
  readonly info: string;
  readonly text: string;
  /** Of the first line inside. */
  readonly line: number;
  /** The next fence, where nothing but blank lines is between. */
  readonly next: { readonly info: string; readonly text: string } | undefined;
}

export function fencesOf(markdown: string): Fence[] {
  const found: { info: string; text: string; line: number; endLine: number }[] = [];
  const lines = markdown.split('\n');
  for (let at = 0; at < lines.length; at += 1) {
    const info = /^```(\w*)/.exec(lines[at] ?? '')?.[1];
    if (info === undefined) continue;
    const end = lines.indexOf('```', at + 1);
    if (end < 0) throw new Error(`the fence at line ${at + 1} is never closed`);
    found.push({ info, text: lines.slice(at + 1, end).join('\n'), line: at + 2, endLine: end });
    at = end;
  }
  return found.map(({ info, text, line, endLine }, at) => {
    const next = found[at + 1];
    const isNext = next && lines.slice(endLine + 1, next.line - 2).every((between) => between.trim() === '');
    return { info, text, line, next: isNext ? { info: next.info, text: next.text } : undefined };
  });
}

/** Every `](target)` outside of code that is no web address. */
export function linksOf(markdown: string): string[] {
  const prose = markdown.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '');
  const targets = Array.from(prose.matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target);
  return targets.filter((target) => !/^(?:https?:|mailto:)/.test(target));
}
