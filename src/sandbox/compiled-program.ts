/** A program as a worker keeps it: compiled once for the worker's life, evaluated anew in each realm. */
import { Script } from 'node:vm';
import { NO_ENGINE_GRANTS, type EngineGrants, type Program, type ThrownError } from './protocol.ts';
import type { UnitText } from './realm-host.ts';
import { drawsRandom, partsOf, type RealmPart } from './realm-parts.ts';

export interface CompiledProgram {
  /** `text` is a `UnitText`. */
  readonly units: readonly { readonly script: Script; readonly text: string }[];
  readonly parts: readonly RealmPart[];
  readonly drawsRandom: boolean;
  /** Why it is none. */
  readonly failure?: ThrownError;
}

/** What cannot be compiled fails when it is run: that is when somebody hears of it. */
export function compileOrFail(program: Program, engine: EngineGrants): CompiledProgram {
  try {
    return compileProgram(program, engine);
  } catch (error) {
    const { name, message } = error as Error;
    const failure = { name, message, stack: `${name}: ${message}` };
    return { units: [], parts: [], drawsRandom: false, failure };
  }
}

/** Compiled once for a worker's life; each realm evaluates it anew. */
export function compileProgram({ units }: Program, engine = NO_ENGINE_GRANTS): CompiledProgram {
  // Code that is made from strings may name anything.
  const sources = engine.eval ? ['globalThis'] : units.map(({ source }) => source);
  return {
    units: units.map((unit) => ({
      script: new Script(unit.source, { filename: unit.fileName, lineOffset: -1 }),
      text: JSON.stringify(textOf(unit)),
    })),
    parts: partsOf(sources),
    drawsRandom: drawsRandom(sources),
  };
}

function textOf({
  fileName,
  parameters,
  holes,
  links,
  requires,
  shifts,
}: Program['units'][number]): UnitText {
  const unitOf = (name: string) => (Object.hasOwn(requires, name) ? (requires[name] as number) : -1);
  return [
    fileName,
    parameters,
    holes,
    links.map((name) => [name, unitOf(name)]),
    shifts.map(({ line, column, shift }) => [line, column, shift]),
  ];
}
