// A worker that was taken over: speaks the protocol wrongly, in the way its first argument names.
import { readSync, writeSync } from 'node:fs';
import { FRAME_KINDS as KINDS } from '../../dist/sandbox/protocol.js';

const [way] = process.argv.slice(2);
const frame = (kind, task, payload = '', size) => {
  const body = Buffer.from(payload);
  const head = Buffer.alloc(9);
  head.writeUInt32LE(size ?? body.length, 0);
  head.writeUInt8(KINDS[kind] ?? kind, 4);
  head.writeUInt32LE(task >>> 0, 5);
  return Buffer.concat([head, body]);
};
const send = (...bytes) => {
  const all = Buffer.concat(bytes);
  for (let at = 0; at < all.length;) {
    try {
      at += writeSync(3, all, at);
    } catch (error) {
      // The parent reads no faster.
      if (error.code !== 'EAGAIN') throw error;
    }
  }
};
const exactly = (size) => {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size;) {
    const count = readSync(3, bytes, at, size - at, null);
    if (count === 0) process.exit(0);
    at += count;
  }
  return bytes;
};
const take = () => {
  const head = exactly(9);
  return { kind: head.readUInt8(4), task: head.readUInt32LE(5), payload: exactly(head.readUInt32LE(0)) };
};
const figures = { cpuUs: 1, memoryPeakBytes: 1, logBytes: 0 };
const value = (task, text = '1', more = {}) =>
  frame('outcome', task, `${JSON.stringify({ kind: 'value', ...figures, ...more })}\n${text}`);
const raw = (task, text) => frame('outcome', task, text);
const ask = (task, header, body = '') => frame('ask', task, `${JSON.stringify(header)}\n${body}`);

/** What it does with a task. */
const WAYS = {
  honest: (t) => [value(t)],
  twice: (t) => [value(t), value(t, '2')],
  'twice, later': (t) => [value(t), frame('idle', 0), value(t, '2')],
  'before the task': () => [],
  'another task': (t) => [value(t + 1)],
  'task zero': () => [value(0)],
  'hello again': (t) => [frame('hello', 0, '{"tier":"kernel"}'), value(t)],
  'idle without an answer': () => [frame('idle', 0)],
  'idle twice': (t) => [value(t), frame('idle', 0), frame('idle', 0)],
  'a frame of the parent': (t) => [frame('run', t, '{}')],
  'a reply to itself': (t) => [frame('reply', t, '{}\n')],
  'an unknown kind': (t) => [frame(99, t)],
  'a size of four gigabytes': (t) => [frame('outcome', t, 'x', 0xffffffff)],
  'an answer above its bound': (t) => [value(t, 'x'.repeat(5_000))],
  'no header': (t) => [raw(t, 'x')],
  'a header that is not JSON': (t) => [raw(t, '{\n1')],
  'a header that is a list': (t) => [raw(t, '[]\n1')],
  'a header that is null': (t) => [raw(t, 'null\n1')],
  'a kind of its own': (t) => [value(t, '1', { kind: 'admin' })],
  'a kind of the prototype': (t) => [value(t, '1', { kind: '__proto__' })],
  'figures that are no numbers': (t) => [value(t, '1', { cpuUs: '1' })],
  'figures below zero': (t) => [value(t, '1', { memoryPeakBytes: -1 })],
  'a thrown error that is none': (t) => [
    raw(t, `${JSON.stringify({ kind: 'thrown', ...figures, error: 1 })}\n`),
  ],
  'a name that is too long': (t) => [frame('withheld', t, 'x'.repeat(101)), value(t)],
  'names without end': (t) => [...Array.from({ length: 17 }, () => frame('withheld', t, 'x')), value(t)],
  'a name of another task': (t) => [frame('withheld', t + 1, 'x'), value(t)],
  'a frame of a fork server': (t) => [frame('ended', t, '{}'), value(t)],
  'a request without grants': (t) => [
    ask(t, { id: 1, kind: 'fetch', url: 'http://x/', method: 'GET', headers: [], secretHeaders: [] }),
  ],
  'a log of another task': (t) => [frame('log', t + 1, 'x')],
  'rubbish for ever': () => {
    for (;;) send(Buffer.alloc(65_536, 0xff));
  },
  'rubbish on its error stream': () => {
    for (;;) writeSync(2, Buffer.alloc(65_536, 120));
  },
  'half a frame, then death': (t) => {
    send(value(t).subarray(0, 12));
    process.kill(process.pid, 'SIGKILL');
  },
  'a closed channel': () => process.exit(0),
  'death by a fault': () => process.kill(process.pid, 'SIGSEGV'),
};

const HELLOS = {
  'a hello that is an answer': () => value(0),
  'a hello of a tier of its own': () => frame('hello', 0, '{"tier":"root"}'),
  'a hello that is not JSON': () => frame('hello', 0, '{'),
  'a hello without end': () => frame('hello', 0, 'x', 0x7fffffff),
};
if (HELLOS[way]) send(HELLOS[way]());
else send(frame('hello', 0, '{"tier":"none"}'), ...(way === 'before the task' ? [value(1)] : []));
for (;;) {
  const { kind, task } = take();
  if (kind === KINDS.ping) send(frame('idle', 0));
  if (kind === KINDS.run) send(...(WAYS[way]?.(task) ?? []));
}
