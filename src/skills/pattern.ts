/** A schema's `pattern`, matched in a time that is bounded whatever the pattern and the string are. */
import { parsePattern, patternCost, type PatternNode } from './pattern-syntax.ts';

/** What ajv needs of a regular expression. `toString` tells patterns apart. */
export interface BoundedPattern {
  test(text: string): boolean;
  /** At most how many steps a text of this length takes. */
  stepsMax(length: number): number;
  toString(): string;
}

/** The matcher was asked for more work than one string may cause. */
export class PatternWorkError extends Error {}

const PATTERN_LENGTH_MAX = 4_096;
const INSTRUCTIONS_MAX = 10_000;
/** Backtracking steps up to which V8's own engine is used: about a millisecond. */
const BACKTRACKING_STEPS_MAX = 1e5;
const STEPS_MAX = 5e6;

/**
 * Compiles `source` (with the `u` flag, or without where it is valid only so). Cheap patterns run on
 * V8's engine; where that could backtrack much, a linear-time automaton gives the same verdict.
 * @throws {SyntaxError} if it is no regular expression, {RangeError} if it cannot be bounded.
 */
export function compilePattern(source: string): BoundedPattern {
  if (source.length > PATTERN_LENGTH_MAX) throw new RangeError(`exceeds ${PATTERN_LENGTH_MAX} characters`);
  const native = nativeRegExp(source);
  const root = parsePattern(source, native.unicode);
  const { degree, factor, isExplosive, needsBacktracking } = patternCost(root);
  if (isExplosive && needsBacktracking) {
    throw new RangeError(
      'may backtrack exponentially (a backreference, or a lookaround with nested repeats)',
    );
  }
  const backtrackingSteps = (length: number): number =>
    isExplosive ? Infinity : factor * (length + 1) ** degree;
  const matcher = needsBacktracking ? undefined : compileAutomaton(root, native.unicode);
  return {
    test(text) {
      const steps = backtrackingSteps(text.length);
      if (steps <= (matcher === undefined ? STEPS_MAX : BACKTRACKING_STEPS_MAX)) return native.test(text);
      if (matcher === undefined || text.length * matcher.size > STEPS_MAX) {
        throw new PatternWorkError(`${text.length} characters are too many for the pattern ${source}`);
      }
      return matcher.test(text);
    },
    stepsMax: (length) =>
      Math.min(STEPS_MAX, backtrackingSteps(length), length * (matcher?.size ?? Infinity)),
    toString: () => String(native),
  };
}

function nativeRegExp(source: string): RegExp {
  try {
    return new RegExp(source, 'u');
  } catch {
    // Old spellings such as `[\w-.]` are valid without the flag only.
    return new RegExp(source);
  }
}

type Instruction =
  | { readonly op: 'set'; readonly has: (char: string) => boolean }
  | { readonly op: 'split'; readonly to: number; readonly or: number }
  | { readonly op: 'assert'; readonly text: string }
  | { readonly op: 'match' };

/** Thompson's construction and Pike's simulation: time is at most length times instructions. */
function compileAutomaton(
  root: PatternNode,
  isUnicode: boolean,
): { size: number; test(text: string): boolean } {
  const program: Instruction[] = [];
  emit(root, program, isUnicode);
  program.push({ op: 'match' });
  return { size: program.length, test: (text) => simulate(program, isUnicode ? [...text] : text.split('')) };
}

function emit(node: PatternNode, program: Instruction[], isUnicode: boolean): void {
  if (program.length > INSTRUCTIONS_MAX)
    throw new RangeError(`unfolds to more than ${INSTRUCTIONS_MAX} steps`);
  switch (node.kind) {
    case 'set':
      program.push({ op: 'set', has: charTest(node.text, isUnicode) });
      return;
    case 'assertion':
      program.push({ op: 'assert', text: node.text });
      return;
    case 'sequence':
      for (const part of node.nodes) emit(part, program, isUnicode);
      return;
    case 'choice':
      emitChoice(node.nodes, program, isUnicode);
      return;
    case 'repeat':
      emitRepeat(node, program, isUnicode);
      return;
    default:
      throw new RangeError('has a lookaround or a backreference');
  }
}

function emitChoice(nodes: readonly PatternNode[], program: Instruction[], isUnicode: boolean): void {
  const exits: number[] = [];
  nodes.forEach((node, index) => {
    const fork = program.length;
    const isLast = index === nodes.length - 1;
    if (!isLast) program.push({ op: 'split', to: fork + 1, or: -1 });
    emit(node, program, isUnicode);
    if (isLast) return;
    exits.push(program.length);
    program.push({ op: 'split', to: -1, or: -1 });
    program[fork] = { op: 'split', to: fork + 1, or: program.length };
  });
  for (const exit of exits) program[exit] = { op: 'split', to: program.length, or: program.length };
}

function emitRepeat(
  { node, min, max }: { node: PatternNode; min: number; max: number },
  program: Instruction[],
  isUnicode: boolean,
): void {
  const copies = max === Infinity ? min : max;
  if (copies > INSTRUCTIONS_MAX) throw new RangeError(`repeats more than ${INSTRUCTIONS_MAX} times`);
  const skips: number[] = [];
  for (let copy = 0; copy < copies; copy += 1) {
    if (copy >= min) skips.push(program.push({ op: 'split', to: program.length + 1, or: -1 }) - 1);
    const before = program.length;
    emit(node, program, isUnicode);
    // An empty body repeated is empty once; unfolding it could go on for ever.
    if (program.length === before) break;
  }
  if (max === Infinity) {
    const loop = program.length;
    program.push({ op: 'split', to: loop + 1, or: -1 });
    emit(node, program, isUnicode);
    program.push({ op: 'split', to: loop, or: loop });
    skips.push(loop);
  }
  for (const skip of skips) program[skip] = { op: 'split', to: skip + 1, or: program.length };
}

/** Whether one character is in a set, asked of V8 once for each ASCII character. */
function charTest(text: string, isUnicode: boolean): (char: string) => boolean {
  const literal = /^[\\[.]/.test(text) ? text : text.replace(/[\^$*+?(){}|\]/-]/u, '\\$&');
  const one = new RegExp(`^(?:${literal})$`, isUnicode ? 'u' : '');
  const ascii = Array.from({ length: 128 }, (_, code) => one.test(String.fromCharCode(code)));
  return (char) => {
    const code = char.charCodeAt(0);
    return code < 128 ? ascii[code] === true : one.test(char);
  };
}

const isWord = (char: string | undefined): boolean => char !== undefined && /^\w$/.test(char);

function holds(assertion: string, chars: readonly string[], at: number): boolean {
  if (assertion === '^') return at === 0;
  if (assertion === '$') return at === chars.length;
  const isBoundary = isWord(chars[at - 1]) !== isWord(chars[at]);
  return assertion === '\\b' ? isBoundary : !isBoundary;
}

function simulate(program: readonly Instruction[], chars: readonly string[]): boolean {
  const seenAt = new Int32Array(program.length).fill(-1);
  let threads: number[] = [];
  for (let at = 0; at <= chars.length; at += 1) {
    const ready: number[] = [];
    const waiting = [...threads, 0];
    for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
      if (seenAt[index] === at) continue;
      seenAt[index] = at;
      const instruction = program[index] as Instruction;
      if (instruction.op === 'match') return true;
      if (instruction.op === 'set') ready.push(index);
      else if (instruction.op === 'split') waiting.push(instruction.to, instruction.or);
      else if (holds(instruction.text, chars, at)) waiting.push(index + 1);
    }
    const char = chars[at];
    if (char === undefined) return false;
    threads = [];
    for (const index of ready) {
      const instruction = program[index] as Instruction;
      if (instruction.op === 'set' && instruction.has(char)) threads.push(index + 1);
    }
  }
  return false;
}
