/** `skillcache batch list`, `status` and `cancel` */
import type { BatchStatus, DamagedBatch } from '../batch/batch-types.ts';
import { Batches } from '../batch/batches.ts';
import { counted } from '../batch/counted.ts';
import { goOn } from './batch-hints.ts';
import { numberOf } from './batch-words.ts';
import type { Session } from './session.ts';

export async function list(session: Session, options: { limit: string }): Promise<void> {
  await using library = await session.open('read');
  const limit = numberOf('--limit', options.limit) ?? 20;
  const damaged: DamagedBatch[] = [];
  const batches = await new Batches(library).list({ limit, onDamaged: (one) => void damaged.push(one) });
  const { output } = session;
  if (!output.json)
    for (const { id, reason } of damaged) output.warn(`batch ${id} cannot be read: ${reason}`);
  output.answer({ batches, damaged }, () =>
    batches.length === 0
      ? ''
      : output.table(
          [
            { title: 'BATCH' },
            { title: 'SKILL' },
            { title: 'STATE' },
            { title: 'DONE', align: 'right' },
            { title: 'FAILED', align: 'right' },
            { title: 'OUTPUT', isFlexible: true },
          ],
          batches.map((each) => [
            each.id,
            each.skill,
            each.state,
            String(each.done),
            String(each.failed),
            each.output,
          ]),
        ),
  );
  if (batches.length + damaged.length === 0) output.note('no batches');
}

export async function status(session: Session, id: string): Promise<void> {
  await using library = await session.open('read');
  const found = await new Batches(library).status(id);
  session.output.answer(found, () => statusText(found));
}

export async function cancel(session: Session, id: string): Promise<void> {
  await using library = await session.open('read');
  const outcome = await new Batches(library).cancel(id);
  session.output.answer({ id, outcome }, () =>
    outcome === 'cancelled' ? `${id} is cancelled` : `${id} finishes what runs, and is cancelled then`,
  );
}

function statusText({
  id,
  skill,
  state,
  inputs,
  output,
  done,
  failed,
  cached,
  refused,
  progress = {},
}: BatchStatus): string {
  const { by } = (progress['stoppedAt'] ?? {}) as { by?: unknown };
  const hint = goOn({ id, failed, by, isStdout: output === '-', isPiped: inputs === '-' });
  return [
    `batch ${id}: ${state}`,
    `skill   ${skill}`,
    `inputs  ${inputs}`,
    `output  ${output}`,
    `safe    ${counted(done, 'item')}, ${failed} failed, ${cached} from the cache`,
    ...refused.map((reason) => `refused ${reason}`),
    ...(state === 'interrupted' ? [`next    ${hint}`] : []),
  ].join('\n');
}
