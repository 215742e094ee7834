/** `skillcache show` */
import type { SkillLibrary } from '../library.ts';
import type { StoredSkill } from '../library/types.ts';
import { brief } from './failure.ts';
import { plainLine, plainText } from './plain-text.ts';
import type { Session } from './session.ts';
import type { Column } from './table.ts';
import { valueText } from '../value-text.ts';

type Version = Awaited<ReturnType<SkillLibrary['versions']>>[number];
type Section = readonly [title: string, body: string];

const EXAMPLES_SHOWN = 5;

export async function show(session: Session, reference: string, options: { code?: boolean }): Promise<void> {
  await using library = await session.open('read');
  const skill = await library.get(reference);
  const { output } = session;
  if (options.code && !output.json) {
    output.source(skill.definition.code);
    return;
  }
  const versions = await library.versions(skill.name);
  output.answer({ ...skill, versions }, () => describe(session, skill, versions));
}

function describe(session: Session, skill: StoredSkill, versions: readonly Version[]): string {
  const { paint } = session.output;
  const title = paint('bold', `${skill.name}@${skill.version}`);
  const sections = sectionsOf(session, skill, versions).filter(([, body]) => body !== '');
  return [
    `${title}  ${plainLine(skill.definition.description)}`,
    facts(skill),
    ...sections.map(([name, body]) => `${paint('bold', name)}\n${indent(body)}`),
  ].join('\n\n');
}

function facts({ definition, analysis, digest, createdAtMs }: StoredSkill): string {
  const rows: [string, string][] = [
    ['digest', digest],
    ['added', new Date(createdAtMs).toISOString()],
    ['language', definition.language],
    ['tags', definition.tags.join(', ')],
    [
      'pure',
      `${analysis.pure.decided ? 'yes' : 'no'}, because ${analysis.pure.because.join('; ') || 'nothing speaks against it'}`,
    ],
    [
      'answers by',
      analysis.plan.answers.map(answerText).join(', then ') || 'nothing: its answer is undefined',
    ],
    ['limits', Object.keys(definition.limits).length > 0 ? brief(definition.limits) : ''],
    ['grants', definition.grants ? brief(definition.grants) : ''],
  ];
  return rows
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `  ${name.padEnd(10)}  ${plainLine(value)}`)
    .join('\n');
}

function answerText(answer: StoredSkill['analysis']['plan']['answers'][number]): string {
  switch (answer.kind) {
    case 'default':
      return 'the default export';
    case 'function':
      return `${answer.name}()`;
    case 'binding':
      return `the variable ${answer.name}`;
    case 'expression':
      return 'the last expression';
    default:
      throw new Error(`unreachable: ${answer satisfies never}`);
  }
}

function sectionsOf(session: Session, skill: StoredSkill, versions: readonly Version[]): Section[] {
  const { definition, analysis } = skill;
  const own = definition.inputSchema !== undefined;
  return [
    ['Holes (what runtime data of the same name replaces)', holes(session, skill)],
    ['Looks like a hole and is none', refused(session, skill)],
    [
      `Input schema${own ? '' : ' (derived from the holes)'}`,
      schema(definition.inputSchema ?? analysis.derivedInputSchema),
    ],
    ['Output schema', schema(definition.outputSchema)],
    ['Parameters', Object.keys(definition.parameters).length > 0 ? brief(definition.parameters) : ''],
    ['Capabilities (advisory; the sandbox holds without them)', capabilities(session, skill)],
    ['Free names', plainLine(analysis.capabilities.freeNames.join(', '))],
    [
      'Requires',
      analysis.requires
        .map(({ local, name, version }) => plainLine(`${name}@${version} as ${local}`))
        .join('\n'),
    ],
    ['Examples', examples(definition.examples)],
    ['Versions', versionTable(session, versions)],
  ];
}

function holes({ output }: Session, { analysis }: StoredSkill): string {
  const columns: Column[] = [
    { title: 'NAME' },
    { title: 'KIND' },
    { title: 'TYPE' },
    { title: 'PLACE', align: 'right' },
    { title: 'DEFAULT', isFlexible: true },
  ];
  const rows = analysis.plan.holes.map((hole) => [
    hole.name,
    hole.kind,
    hole.typeText ?? '',
    `${hole.line}:${hole.column}`,
    hole.defaultText ?? '',
  ]);
  return rows.length === 0 ? '' : output.table(columns, rows);
}

function refused({ output }: Session, { analysis }: StoredSkill): string {
  const rows = analysis.plan.refused.map(({ name, line, column, reason }) => [
    name,
    `${line}:${column}`,
    reason,
  ]);
  const columns: Column[] = [
    { title: 'NAME' },
    { title: 'PLACE', align: 'right' },
    { title: 'WHY', isFlexible: true },
  ];
  return rows.length === 0 ? '' : output.table(columns, rows);
}

function capabilities({ output }: Session, { analysis, definition }: StoredSkill): string {
  const places = new Map<string, string[]>();
  for (const { flag, line, column } of analysis.capabilities.flags) {
    places.set(flag, [...(places.get(flag) ?? []), `${line}:${column}`]);
  }
  const rows = Array.from(places, ([flag, at]) => [
    flag,
    definition.capabilities.includes(flag) ? 'yes' : 'no',
    at.length > 8 ? `${at.slice(0, 8).join(' ')} … (${at.length})` : at.join(' '),
  ]);
  return rows.length === 0
    ? 'none found'
    : output.table([{ title: 'CAPABILITY' }, { title: 'DECLARED' }, { title: 'PLACES' }], rows);
}

function examples(list: StoredSkill['definition']['examples']): string {
  const lines = list.slice(0, EXAMPLES_SHOWN).map(({ inputs, context, output }) => {
    const data = context ? `${brief(inputs)} with context ${brief(context)}` : brief(inputs);
    return `${data}\n  → ${brief(output)}`;
  });
  if (list.length > EXAMPLES_SHOWN)
    lines.push(`… and ${list.length - EXAMPLES_SHOWN} more (--json shows all)`);
  return lines.join('\n');
}

function versionTable({ output }: Session, versions: readonly Version[]): string {
  return output.table(
    [{ title: 'VERSION', align: 'right' }, { title: 'ADDED' }, { title: 'DIGEST' }, { title: '' }],
    versions.map(({ version, createdAtMs, digest, current }) => [
      String(version),
      new Date(createdAtMs).toISOString(),
      digest.slice(0, 12),
      current ? 'current' : '',
    ]),
  );
}

function schema(value: unknown): string {
  return value === undefined ? '' : plainText(valueText(value, { pretty: true }));
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}
