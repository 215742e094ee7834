import { getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Doorway } from '../../src/library/doorway.ts';

/** A doorway of two runs at a time, its clock, and which runs have begun. */
function doorway() {
  const clock = { nowMs: 1_000 };
  const door = new Doorway(2, () => clock.nowMs);
  const begun: number[] = [];
  const come = async (n: number, signal?: AbortSignal): Promise<void> => {
    const held = door.enter(signal);
    if (held) await held;
    begun.push(n);
  };
  /** One more turn of the loop, in which somebody is let in, or nobody. */
  const pass = async (ms: number, isNewcomer: boolean): Promise<void> => {
    clock.nowMs += ms;
    if (isNewcomer) Doorway.newcomer(clock.nowMs);
    await turn();
  };
  return { door, clock, begun, come, pass };
}

describe('where nobody comes in', () => {
  test('runs begin at once, however many', async () => {
    const { begun, come } = doorway();
    Doorway.newcomer(900);
    for (let n = 0; n < 5; n += 1) void come(n);
    await Promise.resolve();
    expect(begun).toEqual([0, 1, 2, 3, 4]);
  });

  test('not even the caller of long ago counts', async () => {
    const { door, clock } = doorway();
    Doorway.newcomer(clock.nowMs);
    clock.nowMs += 20;
    expect(door.enter()).toBeUndefined();
  });
});

describe('while others come in', () => {
  test('all runs are held back, and begin in their order in the first turn without a newcomer', async () => {
    const { begun, come, pass } = doorway();
    for (let n = 0; n < 10; n += 1) {
      await pass(1, true);
      void come(n);
    }
    expect(begun).toEqual([]);
    await pass(1, true);
    await pass(1, false);
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('those that workers are free for are held back for 50 ms, the others for 200 ms', async () => {
    const { door, begun, come, pass } = doorway();
    await pass(0, true);
    for (let n = 0; n < 5; n += 1) void come(n);
    await pass(49, true);
    expect(begun).toEqual([]);
    await pass(1, true);
    expect(begun).toEqual([0, 1]);
    await pass(1, true);
    expect(begun).toEqual([0, 1]);
    door.leave();
    await pass(1, true);
    expect(begun).toEqual([0, 1, 2]);
    await pass(147, true);
    expect(begun).toEqual([0, 1, 2]);
    await pass(1, true);
    expect(begun).toEqual([0, 1, 2, 3, 4]);
  });

  test('whoever comes behind those who are held back stays behind them', async () => {
    const { begun, come, pass, door } = doorway();
    await pass(0, true);
    void come(0);
    await pass(1, true);
    // Nobody came in since, and yet.
    expect(door.enter()).toBeInstanceOf(Promise);
    void come(2);
    await pass(1, false);
    expect(begun).toEqual([0, 2]);
  });

  test('whoever leaves is held back no longer, and the others are', async () => {
    const { begun, come, pass } = doorway();
    const caller = new AbortController();
    await pass(0, true);
    void come(0);
    void come(1, caller.signal);
    void come(2);
    await pass(1, true);
    caller.abort();
    await Promise.resolve();
    expect(begun).toEqual([1]);
    await pass(1, true);
    expect(begun).toEqual([1]);
    await pass(1, false);
    expect(begun).toEqual([1, 0, 2]);
  });

  test('of a caller who leaves later nothing is left in line, and no listener on its signal', async () => {
    const { begun, come, pass } = doorway();
    const caller = new AbortController();
    await pass(0, true);
    for (let n = 0; n < 3; n += 1) void come(n, caller.signal);
    await pass(1, true);
    expect(getEventListeners(caller.signal, 'abort')).toHaveLength(3);
    await pass(1, false);
    expect(begun).toEqual([0, 1, 2]);
    expect(getEventListeners(caller.signal, 'abort')).toEqual([]);
  });

  test('the last who leaves leaves the door as it was: whoever comes next is met by the next turn', async () => {
    const { door, begun, come, pass } = doorway();
    const caller = new AbortController();
    await pass(0, true);
    void come(0, caller.signal);
    caller.abort();
    await Promise.resolve();
    void come(1);
    await pass(1, true);
    expect(begun).toEqual([0]);
    await pass(1, false);
    expect(begun).toEqual([0, 1]);
    expect(door.enter()).toBeUndefined();
  });
});
