/** `skillcache backup` and `skillcache restore` */
import type { Session } from './session.ts';

export async function backup(session: Session, file: string): Promise<void> {
  await using library = await session.open('existing');
  const { output, signal } = session;
  const onProgress = ({ pages, pagesTotal }: { pages: number; pagesTotal: number }): void =>
    output.progress(`backing up … ${Math.floor((pages / Math.max(1, pagesTotal)) * 100)} %`);
  const copied = await library.backup(file, { signal, onProgress });
  output.answer(copied, () => `wrote ${copied.bytes} bytes to ${copied.path}`);
}

export async function restore(session: Session, file: string): Promise<void> {
  const { output, signal } = session;
  const { options } = await session.settings();
  const { restoreLibrary } = await import('../library/restore.ts');
  const restoring = restoreLibrary(file, options, { signal });
  const restored = await output.waitFor('checking the backup', restoring);
  output.answer(restored, () => `restored ${restored.skills} skills to ${restored.path}`);
}
