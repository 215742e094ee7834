/** `skillcache batch compare` */
import { Batches } from '../batch/batches.ts';
import { counted } from '../batch/counted.ts';
import type { Difference, Side, SideReport } from '../batch/compare.ts';
import { valueText } from '../value-text.ts';
import { callOptions, numberOf, runOptions } from './batch-words.ts';
import type { BatchCompareWords } from './batch.ts';
import { brief } from './failure.ts';
import type { Session } from './session.ts';

export async function compare(
  session: Session,
  before: string,
  after: string,
  words: BatchCompareWords,
): Promise<void> {
  const call = callOptions(words);
  const run = {
    ...(await runOptions(session, words)),
    ...(words.cache === true && { cache: 'use' as const }),
  };
  const showMax = numberOf('--show', words.show) ?? 10;
  await using library = await session.open('read', { isLong: true });
  const differences: Difference[] = [];
  const comparison = await session.output.waitFor(
    `comparing ${before} and ${after}`,
    new Batches(library).compare(before, after, {
      ...call,
      run,
      inputs: words.inputs === '-' ? process.stdin : words.inputs,
      signal: session.signal,
      onDifference: (difference) => {
        if (differences.length < showMax) differences.push(difference);
      },
    }),
  );
  const { output } = session;
  output.answer({ ...comparison, differences }, () => {
    const { items, differing } = comparison;
    const lines = differences.map(
      (each) => `index ${each.index} (line ${each.line}): ${sideText(each.before)} → ${sideText(each.after)}`,
    );
    const table = output.table(
      [
        { title: 'VERSION' },
        { title: 'FAILED', align: 'right' },
        { title: 'OF ALL', align: 'right' },
        { title: 'MEAN', align: 'right' },
      ],
      [comparison.before, comparison.after].map(row),
    );
    return [`${counted(items, 'input')}, ${differing} with another answer`, ...lines, table].join('\n');
  });
}

function row({ skill, failed, errorRate, meanMs, executed }: SideReport): string[] {
  return [
    skill,
    String(failed),
    `${(errorRate * 100).toFixed(1)} %`,
    executed === 0 ? '–' : `${meanMs.toFixed(2)} ms`,
  ];
}

function sideText({ output, error }: Side): string {
  return error ? `${error.code}: ${brief(error.message)}` : brief(valueText(output));
}
