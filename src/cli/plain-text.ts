/** Text that others wrote, made fit for a terminal: it may not move the cursor, hide or reorder anything. */

// C0 (tab and newline apart), DEL, C1, the line ends of Unicode, and the marks that reorder text.
// oxlint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The text with what a terminal would act on spelled out (`\u{1b}`); CRLF becomes LF. */
export function plainText(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(UNSAFE, (mark) => `\\u{${mark.codePointAt(0)?.toString(16)}}`);
}

/** The same on one line. */
export function plainLine(text: string): string {
  return plainText(text.replace(/\s+/g, ' ').trim());
}

// East Asian wide and fullwidth blocks, and emoji that are shown as pictures.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const ZERO = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;

// oxlint-disable-next-line no-control-regex
const PAINT = /\u001b\[\d+m/g;

/** How many columns of a terminal the text takes; paint takes none. */
export function widthOf(painted: string): number {
  const text = painted.replace(PAINT, '');
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes(text)) width += graphemeWidth(segment);
  return width;
}

/** The text, cut with `…` where it is wider than `width`. */
export function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let used = 1;
  for (const { segment } of graphemes(text)) {
    used += graphemeWidth(segment);
    if (used > width) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}

function graphemeWidth(segment: string): number {
  if (ZERO.test(segment)) return 0;
  return WIDE.test(segment) ? 2 : 1;
}

let segmenter: Intl.Segmenter | undefined;

function graphemes(text: string): Iterable<{ segment: string }> {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return segmenter.segment(text);
}
