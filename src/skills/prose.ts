/** Names and descriptions out of what other libraries give for them. */
import { shorten } from './plain-json.ts';
import { DESCRIPTION_LENGTH_MAX, SKILL_NAME } from './skill.ts';

const TEXT_LENGTH_MAX = 64 * 1024;

/** `text` as a description: cut at its bound, or made from the name where there is none. */
export function fitDescription(text: string, name: string, warnings: string[]): string {
  if (text.trim() === '') {
    warnings.push('no description; one was made from the name');
    return `${capitalised(wordsOf(name))}.`;
  }
  if (text.length <= DESCRIPTION_LENGTH_MAX) return text;
  warnings.push(`the description was cut from ${text.length} to ${DESCRIPTION_LENGTH_MAX} characters`);
  return shorten(text, DESCRIPTION_LENGTH_MAX);
}

/** `text` as a skill's name: what a name may not contain becomes a dash. */
export function nameFrom(text: string, warnings: string[]): string {
  if (SKILL_NAME.test(text)) return text;
  const name = text
    .slice(0, 1_000)
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^[^A-Za-z]+|(?<!-)-+$/g, '')
    .slice(0, 64);
  if (name === '') return text;
  warnings.push(`the name ${JSON.stringify(shorten(text, 80))} became ${name}`);
  return name;
}

/** The text of the comment that a program begins with; empty if there is none. */
export function leadingComment(code: string): string {
  const start = /^\uFEFF?(?:#![^\n]*\n)?\s*/.exec(code)?.[0].length ?? 0;
  const rest = code.slice(start, start + 16_384);
  const block = /^\/\*([\s\S]*?)\*\//.exec(rest)?.[1];
  if (block !== undefined) return commentText(block.replace(/^[ \t]*\*+ ?/gm, ''));
  const lines = /^(?:[ \t]*\/\/[^\n]*(?:\n|$))+/.exec(rest)?.[0] ?? '';
  return commentText(lines.replace(/^[ \t]*\/\/+ ?/gm, ''));
}

/** Up to the first JSDoc tag; notices for tools and lawyers are no description. */
function commentText(text: string): string {
  const description = /@(?:description|desc|summary)\s+([\s\S]*)/.exec(text)?.[1] ?? text;
  const [before = ''] = description.split(/^[ \t]*@\w+/m);
  const plain = oneLine(before);
  return /^(?:eslint|jshint|global |@ts-|copyright|licen[cs]e|spdx)/i.test(plain) ? '' : plain;
}

/**
 * What a Voyager description says: it is a function whose body is a comment, or
 * `Name: x; Description: text`. Any other text is taken as it is.
 */
export function voyagerDescription(given: string): string {
  const text = given.slice(0, TEXT_LENGTH_MAX);
  const labelled = /^\s*Name:[^;]*;\s*Description:([\s\S]*)$/.exec(text)?.[1];
  if (labelled !== undefined) return oneLine(labelled);
  const body = /^\s*(?:async\s+)?function(?:\s+\w+)?\s*\([^)]*\)\s*\{([\s\S]*)\}$/.exec(text.trimEnd())?.[1];
  if (body === undefined) return oneLine(text);
  const comment = oneLine(body.replace(/^[ \t]*\/\/+ ?/gm, '').replace(/\/\*+|(?<!\*)\*+\//g, ''));
  return capitalised(comment.replace(/^(?:The|This) function is about (?:the )?/i, ''));
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();
const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** `mineWoodLog`, `mine-wood_log` → `mine wood log`. */
function wordsOf(name: string): string {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/[_-]+/g, ' ');
  return oneLine(words).toLowerCase() || name;
}
