/** `skillcache metrics` */
import type { Session } from './session.ts';

export async function metrics(session: Session, options: { format: 'json' | 'prometheus' }): Promise<void> {
  await using library = await session.open('read');
  const snapshot = await library.sampleMetrics();
  if (options.format === 'json' || session.output.json) {
    session.output.value(snapshot);
    return;
  }
  const { exposition } = await import('../monitor/exposition.ts');
  session.output.data(await exposition(snapshot));
}
