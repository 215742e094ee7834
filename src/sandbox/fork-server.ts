/**
 * A process that is ready to be a worker and never is one: it copies itself, and the copies are. A copy
 * takes milliseconds where a start of Node takes fifty times as long, and it has everything loaded.
 *
 * It runs no skill, hears of none, and holds nothing of any. It blocks in `read` between two requests.
 */
import { CHANNEL, processChannel } from './process-channel.ts';
import type { ForkEnd, ForkOrder, Hello } from './protocol.ts';
import type { Exit, ForkCalls, SystemCalls } from './system-calls.ts';

export interface Copy {
  readonly order: ForkOrder;
  readonly processId: number;
  /** The server's. */
  readonly parentId: number;
  /** Whether somebody waits for it: the server did nothing but make it, or the parent says so. */
  readonly isAwaited: boolean;
}

const F_SETFL = 4;
const O_RDWR = 2;
const SIGKILL = 9;

/** Descriptors that a copy finds its channel and its error stream on: two for each, from this one on. */
const FIRST_DESCRIPTOR = CHANNEL + 1;
const channelOf = (slot: number) => FIRST_DESCRIPTOR + 2 * slot;

/** A server that cannot be one says why, and ends. */
export function refuseForks(why: string): never {
  processChannel.send('hello', 0, JSON.stringify({ tier: 'none', why } satisfies Hello));
  return processChannel.die();
}

/**
 * Serves until the parent closes the channel, and then never returns; in each copy it returns once.
 * @param afterFirst comes when the first copy is made.
 */
export function serveForks(calls: SystemCalls, slots: number, afterFirst?: () => void): Copy {
  const system = calls.forking();
  const parentId = system.processId();
  const children = new Map<number, number>();
  calls.fcntl(CHANNEL, F_SETFL, O_RDWR);
  processChannel.send('hello', 0, '{"tier":"none"}');
  let isFirst = true;
  for (;;) {
    const { kind, task: slot, payload } = processChannel.receive();
    if (kind === 'fork') {
      const child = system.fork();
      if (child === 0) {
        const processId = becomeCopy(system, slot, slots);
        const order = JSON.parse(payload.toString('utf8')) as ForkOrder;
        const isAwaited = order.isAwaited || (isFirst && afterFirst !== undefined);
        return { order, processId, parentId, isAwaited };
      }
      for (const descriptor of [channelOf(slot), channelOf(slot) + 1]) system.close(descriptor);
      if (child < 0) tell(slot, { error: `it cannot be copied: error ${-child}` });
      else children.set(slot, child);
      if (isFirst) afterFirst?.();
      isFirst = false;
    } else if (kind === 'signal') {
      const child = children.get(slot);
      const signal = payload.readUInt8(0);
      if (child === undefined) continue;
      system.kill(child, signal);
      if (signal !== SIGKILL) continue;
      // One that ended by itself is heard of here too.
      children.delete(slot);
      tell(slot, system.waitFor(child));
    }
  }
}

function tell(slot: number, end: Exit | { readonly error: string }): void {
  processChannel.send('ended', slot, JSON.stringify(end satisfies ForkEnd));
}

/** Of what the server holds only the copy's own two descriptors are left to it. */
function becomeCopy(system: ForkCalls, slot: number, slots: number): number {
  // Not a session: Linux shares time between sessions (sched(7), autogroup), and copies together are one party, not each.
  system.newGroup();
  system.moveDescriptor(channelOf(slot), CHANNEL);
  system.moveDescriptor(channelOf(slot) + 1, 1);
  system.moveDescriptor(channelOf(slot) + 1, 2);
  // Those of earlier slots are closed, and their numbers may be the event loop's by now.
  for (let descriptor = channelOf(slot); descriptor < channelOf(slots); descriptor += 1)
    system.close(descriptor);
  return system.processId();
}
