/** `skillcache audit` */
import { once } from 'node:events';
import type { Session } from './session.ts';

const PAGE = 1_000;

/** Every entry behind `after`, oldest first, one JSON object a line. */
export async function audit(session: Session, { after = 0 }: { after?: number }): Promise<void> {
  await using library = await session.open('read');
  for (let afterSeq = after; !session.signal.aborted;) {
    const page = await library.service.readAudit({ afterSeq, limit: PAGE });
    const last = page.at(-1);
    if (!last) return;
    session.output.data(page.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain', { signal: session.signal });
    afterSeq = last.seq;
  }
}
