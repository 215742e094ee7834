/** What a power cut can leave of files, from a recording of all that was done to them (disk-recorder.c). */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const KINDS = ['', 'write', 'cut', 'sync', 'remove', 'create', 'syncFolder'] as const;
const SECTOR = 512;

export interface DiskRecord {
  readonly kind: (typeof KINDS)[number];
  readonly path: string;
  readonly inode: number;
  readonly offset: number;
  readonly bytes: Buffer;
}

export function readRecording(path: string): DiskRecord[] {
  const log = readFileSync(path);
  const records: DiskRecord[] = [];
  for (let at = 0; at < log.length;) {
    const [kind, inode, offset, length, pathLength] = Array.from({ length: 5 }, (_, index) =>
      Number(log.readBigUInt64LE(at + index * 8)),
    ) as [number, number, number, number, number];
    const name = KINDS[kind] as DiskRecord['kind'];
    at += 40 + pathLength;
    const bytes = log.subarray(at, name === 'write' ? at + length : at);
    records.push({ kind: name, path: log.toString('utf8', at - pathLength, at), inode, offset, bytes });
    at += bytes.length;
  }
  return records;
}

interface File {
  content: Buffer;
  pending: DiskRecord[];
}

/**
 * A disk with a cache: only what was synced is sure. A file's name is sure when its folder was synced. Names change in
 * their order, as file systems with a journal do it; writes in any.
 */
export class CachedDisk {
  readonly #files = new Map<number, File>();
  readonly #names = new Map<string, number>();
  #pendingNames: DiskRecord[] = [];

  apply(record: DiskRecord): void {
    const file = this.#file(record.inode);
    switch (record.kind) {
      case 'write':
      case 'cut':
        file.pending.push(record);
        break;
      case 'sync':
        for (const pending of file.pending) change(file, pending);
        file.pending = [];
        break;
      case 'create':
      case 'remove':
        this.#pendingNames.push(record);
        break;
      default:
        for (const pending of this.#pendingNames) rename(this.#names, pending);
        this.#pendingNames = [];
    }
  }

  /** Writes into `folder` what the disk may hold when the power is cut now. */
  cut(folder: string, random: () => number): void {
    const names = new Map(this.#names);
    const kept = Math.floor(random() * (this.#pendingNames.length + 1));
    for (const pending of this.#pendingNames.slice(0, kept)) rename(names, pending);
    // All of the cache reached the disk, or nothing, or some of it: for each file anew.
    for (const [path, inode] of names) {
      const { content, pending } = this.#file(inode);
      const file: File = { content: Buffer.from(content), pending: [] };
      const share = [0, 1, random(), random()][Math.floor(random() * 4)] as number;
      for (const record of pending) {
        if (random() >= share) continue;
        if (record.kind === 'write' && share < 1 && random() < 0.5) writeTorn(file, record, random);
        else change(file, record);
      }
      writeFileSync(join(folder, basename(path)), file.content);
    }
  }

  #file(inode: number): File {
    const known = this.#files.get(inode);
    if (known !== undefined) return known;
    const file: File = { content: Buffer.alloc(0), pending: [] };
    this.#files.set(inode, file);
    return file;
  }
}

function rename(names: Map<string, number>, { kind, path, inode }: DiskRecord): void {
  if (kind === 'create') names.set(path, inode);
  else names.delete(path);
}

function change(file: File, { kind, offset, bytes }: DiskRecord): void {
  if (kind === 'cut') {
    file.content =
      offset <= file.content.length
        ? Buffer.from(file.content.subarray(0, offset))
        : Buffer.concat([file.content, Buffer.alloc(offset - file.content.length)]);
    return;
  }
  const end = offset + bytes.length;
  if (end > file.content.length) {
    const grown = Buffer.alloc(end);
    file.content.copy(grown);
    file.content = grown;
  }
  bytes.copy(file.content, offset);
}

function writeTorn(file: File, record: DiskRecord, random: () => number): void {
  for (let at = 0; at < record.bytes.length;) {
    const end = Math.min(record.bytes.length, at + SECTOR - ((record.offset + at) % SECTOR));
    const part = { ...record, offset: record.offset + at, bytes: record.bytes.subarray(at, end) };
    if (random() < 0.5) change(file, part);
    at = end;
  }
}
