import { describe, expect, test, vi } from 'vitest';
import {
  AbortedError,
  ClosedError,
  ConfigurationError,
  DatabaseCorruptError,
  PoolExhaustedError,
} from '../../src/errors.ts';
import type { PoolOptions } from '../../src/pool/pool-options.ts';
import type { DestroyReason, PoolObserver } from '../../src/pool/pool-stats.ts';
import { ResourcePool } from '../../src/pool/resource-pool.ts';
import { FakeClock, settled } from './fake-clock.ts';

/** A pool of the numbers 1, 2, 3…, that writes down what it unmade. */
function numberPool(options: Partial<PoolOptions<number>> = {}) {
  const clock = new FakeClock();
  const gone: [number, DestroyReason][] = [];
  let last = 0;
  const pool = new ResourcePool<number>({
    name: 'number',
    max: 2,
    clock,
    create: () => Promise.resolve((last += 1)),
    destroy: async (resource, reason) => void gone.push([resource, reason]),
    ...options,
  });
  return { pool, clock, gone };
}

describe('lending', () => {
  test('acquire lends what was returned last, before it creates another', async () => {
    const { pool } = numberPool();
    const [first, second] = [await pool.acquire(), await pool.acquire()];
    expect([first.value, second.value]).toEqual([1, 2]);
    first.release();
    second.release();
    expect((await pool.acquire()).value).toBe(2);
    expect(pool.stats()).toMatchObject({ inUse: 1, idle: 1, created: 2, requests: 3, utilization: 0.5 });
  });

  test('a lease released twice gives its resource back once', async () => {
    const { pool } = numberPool({ max: 1 });
    const lease = await pool.acquire();
    lease.release();
    const again = await pool.acquire();
    lease.release();
    await lease.destroy();
    expect(pool.stats()).toMatchObject({ inUse: 1, idle: 0 });
    again.release();
  });

  test('an exception in the user of a lease never loses its slot', async () => {
    const { pool } = numberPool({ max: 1 });
    for (let round = 0; round < 5; round += 1) {
      await expect(
        pool.use(() => {
          throw new RangeError('mine');
        }),
      ).rejects.toThrow(RangeError);
    }
    expect(pool.stats()).toMatchObject({ inUse: 0, idle: 1, created: 1 });
    expect(await pool.use((resource) => resource)).toBe(1);
  });

  test('a lease is given back at the end of its scope', async () => {
    const { pool } = numberPool();
    {
      await using lease = await pool.acquire();
      expect(lease.value).toBe(1);
    }
    expect(pool.stats()).toMatchObject({ inUse: 0, idle: 1 });
  });

  test('a preferred resource is taken before one that was used later', async () => {
    const { pool } = numberPool();
    const leases = [await pool.acquire(), await pool.acquire()];
    for (const lease of leases) lease.release();
    const preferred = await pool.acquire({ prefer: (resource) => resource === 1 });
    expect(preferred.value).toBe(1);
    preferred.release();
    expect((await pool.acquire({ prefer: () => false })).value).toBe(1);
  });

  test('the highest rank wins, and where all are unsuitable the least recently used makes room', async () => {
    const { pool, gone } = numberPool();
    const leases = [await pool.acquire(), await pool.acquire()];
    for (const lease of leases) lease.release();
    const ranked = await pool.acquire({ rank: (resource) => (resource === 1 ? 2 : 1) });
    expect(ranked.value).toBe(1);
    ranked.release();
    const fresh = await pool.acquire({ rank: () => -1 });
    expect(fresh.value).toBe(3);
    expect(gone).toEqual([[2, 'evicted']]);
    expect(pool.stats()).toMatchObject({ idle: 1, inUse: 1 });
  });

  test('where there is room an unsuitable resource stays, and a new one is created', async () => {
    const { pool, gone } = numberPool();
    (await pool.acquire()).release();
    expect((await pool.acquire({ rank: () => -1 })).value).toBe(2);
    expect(gone).toEqual([]);
  });

  test('a caller passes one before it in line only with a resource that does not suit that one', async () => {
    const { pool } = numberPool({ max: 1 });
    const held = await pool.acquire();
    const served: string[] = [];
    const picky = pool.acquire({ rank: () => -1 }).then((lease) => (served.push('picky'), lease));
    const easy = pool.acquire().then((lease) => (served.push('easy'), lease));
    held.release();
    (await easy).release();
    expect((await picky).value).toBe(2);
    expect(served).toEqual(['easy', 'picky']);
  });

  test('a rank that throws rejects its own caller only', async () => {
    const { pool } = numberPool();
    (await pool.acquire()).release();
    const bad = pool.acquire({
      rank: () => {
        throw new TypeError('rank');
      },
    });
    await expect(bad).rejects.toThrow(TypeError);
    expect((await pool.acquire()).value).toBe(1);
  });
});

describe('waiting', () => {
  test('callers are served first come, first served', async () => {
    const { pool } = numberPool({ max: 1 });
    const held = await pool.acquire();
    const order: number[] = [];
    const all = [0, 1, 2, 3].map((caller) =>
      pool.use(() => {
        order.push(caller);
      }),
    );
    held.release();
    await Promise.all(all);
    expect(order).toEqual([0, 1, 2, 3]);
  });

  test('acquire rejects with PoolExhaustedError and its numbers when its time is over', async () => {
    const { pool, clock } = numberPool({ max: 1, acquireTimeoutMs: 20 });
    await pool.acquire();
    const late = pool.acquire();
    late.catch(() => {});
    await clock.advance(19);
    expect(pool.stats().waiting).toBe(1);
    await clock.advance(1);
    await expect(late).rejects.toThrow(PoolExhaustedError);
    await expect(late).rejects.toMatchObject({
      message: 'no number free after 20 ms (1/1 in use, 0 being created, 1 waiting)',
      details: { pool: 'number', waitedMs: 20, inUse: 1, max: 1 },
    });
    expect(pool.stats()).toMatchObject({
      timeouts: 1,
      exhaustionEvents: 1,
      exhaustionRate: 0.5,
      waiting: 0,
      waitingPeak: 1,
    });
  });

  test('a call may set its own longest wait, or wait for ever', async () => {
    const { pool, clock } = numberPool({ max: 1, acquireTimeoutMs: 20 });
    const held = await pool.acquire();
    const short = pool.acquire({ timeoutMs: 5 });
    short.catch(() => {});
    const patient = pool.acquire({ timeoutMs: Number.POSITIVE_INFINITY });
    await clock.advance(10_000);
    await expect(short).rejects.toThrow('after 5 ms');
    held.release();
    expect((await patient).value).toBe(1);
  });

  test('a caller beyond waitingMax is refused at once', async () => {
    const exhausted = vi.fn<NonNullable<PoolObserver['exhausted']>>();
    const { pool } = numberPool({ max: 1, waitingMax: 1, observer: { exhausted } });
    const held = await pool.acquire();
    const inLine = pool.acquire();
    await expect(pool.acquire()).rejects.toThrow('the waiting line for number is full');
    expect(exhausted).toHaveBeenCalledTimes(2);
    held.release();
    (await inLine).release();
  });

  test('waitingMax 0 still lets a caller wait for the resource that is created for it', async () => {
    const { pool } = numberPool({ max: 1, waitingMax: 0 });
    const first = pool.acquire();
    await expect(pool.acquire()).rejects.toThrow(PoolExhaustedError);
    expect((await first).value).toBe(1);
  });

  test('an aborted caller leaves the line, and its place goes to the next', async () => {
    const { pool } = numberPool({ max: 1 });
    const held = await pool.acquire();
    const controller = new AbortController();
    const aborted = pool.acquire({ signal: controller.signal });
    const next = pool.acquire({ signal: new AbortController().signal });
    controller.abort();
    await expect(aborted).rejects.toThrow(AbortedError);
    await expect(pool.acquire({ signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
    held.release();
    expect((await next).value).toBe(1);
  });

  test('what was created for a caller that left becomes idle', async () => {
    const { pool } = numberPool();
    const controller = new AbortController();
    const aborted = pool.acquire({ signal: controller.signal });
    controller.abort();
    await expect(aborted).rejects.toThrow(AbortedError);
    await settled();
    expect(pool.stats()).toMatchObject({ idle: 1, inUse: 0 });
  });
});

describe('creation', () => {
  test('a failed creation is tried again after a pause that doubles, and the caller is served', async () => {
    const attempts: number[] = [];
    const { pool, clock } = numberPool({
      backoffMinMs: 100,
      create: () => {
        attempts.push(clock.now());
        return attempts.length < 4 ? Promise.reject(new Error('not yet')) : Promise.resolve(7);
      },
    });
    const lease = pool.acquire();
    await clock.advance(1_000);
    expect((await lease).value).toBe(7);
    expect(attempts).toEqual([0, 100, 300, 700]);
    expect(pool.stats()).toMatchObject({ created: 1, createFailures: 3 });
  });

  test('where there is less room than there should be, what is idle and unsuitable makes some', async () => {
    const existing = new Set<number>();
    let made = 0;
    const { pool, clock } = numberPool({
      max: 4,
      backoffMinMs: 100,
      // The system allows two.
      create: () => {
        if (existing.size === 2) return Promise.reject(new Error('no more processes'));
        existing.add((made += 1));
        return Promise.resolve(made);
      },
      destroy: async (resource: number) => void existing.delete(resource),
    });
    for (const lease of await Promise.all([pool.acquire(), pool.acquire()])) lease.release();
    const none = { rank: (resource: number) => (resource <= 2 ? -1 : 1) };
    const picky = pool.acquire(none);
    await clock.advance(300);
    expect([...existing]).toEqual([2, 3]);
    expect((await picky).value).toBe(3);
    expect(pool.stats()).toMatchObject({ destroyed: { evicted: 1 }, idle: 1, createFailures: 2 });
  });

  test('nothing that suits is destroyed where creations fail, and one a failure where nothing does', async () => {
    let isBroken = false;
    const { pool, clock } = numberPool({
      max: 4,
      backoffMinMs: 100,
      create: () => (isBroken ? Promise.reject(new Error('broken')) : Promise.resolve(1)),
    });
    for (const lease of await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()])) lease.release();
    isBroken = true;
    const picky = pool.acquire({ rank: () => -1 });
    picky.catch(() => {});
    await clock.advance(99);
    expect(pool.stats()).toMatchObject({ idle: 3, createFailures: 1 });
    await clock.advance(1);
    expect(pool.stats()).toMatchObject({ idle: 2, createFailures: 2 });
    await clock.advance(199);
    expect(pool.stats()).toMatchObject({ idle: 2, createFailures: 2 });
    (await pool.acquire()).release();
    await pool.close();
    await expect(picky).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('a caller whose wait runs out is told why creation failed', async () => {
    const cause = new Error('no more threads');
    const createFailed = vi.fn<NonNullable<PoolObserver['createFailed']>>();
    const { pool, clock } = numberPool({
      create: () => Promise.reject(cause),
      acquireTimeoutMs: 50,
      observer: { createFailed },
    });
    const late = pool.acquire();
    late.catch(() => {});
    await clock.advance(50);
    await expect(late).rejects.toMatchObject({
      code: 'POOL_EXHAUSTED',
      message: expect.stringContaining('the last creation failed: no more threads'),
      cause,
    });
    expect(createFailed).toHaveBeenCalledOnce();
  });

  test('an error that no retry can mend reaches the waiting callers at once', async () => {
    const { pool } = numberPool({
      create: () => {
        throw new DatabaseCorruptError('not a database');
      },
    });
    const both = await Promise.allSettled([pool.acquire(), pool.acquire()]);
    expect(both.map((outcome) => outcome.status === 'rejected' && outcome.reason.code)).toEqual([
      'DATABASE_CORRUPT',
      'DATABASE_CORRUPT',
    ]);
  });

  test('one burst of failures is one step of the pause, and then one creation tries', async () => {
    let attempts = 0;
    const { pool, clock } = numberPool({
      max: 4,
      backoffMinMs: 100,
      create: () => {
        attempts += 1;
        return Promise.reject(new Error('no'));
      },
    });
    const callers = Array.from({ length: 4 }, () => pool.acquire());
    for (const caller of callers) caller.catch(() => {});
    await clock.advance(0);
    expect(attempts).toBe(4);
    await clock.advance(100);
    expect(attempts).toBe(5);
    await pool.close();
  });

  test('warmUp creates as many as it is told, max at most', async () => {
    const { pool } = numberPool({ max: 3 });
    await pool.warmUp(2);
    expect(pool.stats()).toMatchObject({ idle: 2, created: 2 });
    await pool.warmUp(10);
    expect(pool.stats()).toMatchObject({ idle: 3, created: 3 });
  });

  test('warmUp rejects with the reason why creation failed', async () => {
    const { pool } = numberPool({ create: () => Promise.reject(new Error('no')), min: 1 });
    await expect(pool.warmUp()).rejects.toThrow('no');
    await pool.close();
  });

  test('a new pool creates nothing; after its first use it keeps min', async () => {
    const { pool, gone } = numberPool({ min: 2, max: 3 });
    expect(pool.stats()).toMatchObject({ creating: 0, idle: 0 });
    const lease = await pool.acquire();
    await settled();
    expect(pool.stats()).toMatchObject({ idle: 1, inUse: 1 });
    await lease.destroy();
    await settled();
    expect(gone).toEqual([[1, 'broken']]);
    expect(pool.stats()).toMatchObject({ idle: 2, inUse: 0 });
  });

  test('min is refilled after a failure without a caller, by a background timer', async () => {
    let isBroken = true;
    const { pool, clock } = numberPool({
      min: 1,
      create: () => (isBroken ? Promise.reject(new Error('no')) : Promise.resolve(5)),
    });
    await expect(pool.warmUp()).rejects.toThrow('no');
    expect(clock.timers.map((timer) => timer.isBackground)).toEqual([true]);
    isBroken = false;
    await clock.advance(100);
    expect(pool.stats()).toMatchObject({ idle: 1 });
  });

  test('a caller that joins during the pause holds the process open until it is over', async () => {
    const { pool, clock } = numberPool({ min: 1, create: () => Promise.reject(new Error('no')) });
    await expect(pool.warmUp()).rejects.toThrow('no');
    const caller = pool.acquire({ timeoutMs: Number.POSITIVE_INFINITY });
    caller.catch(() => {});
    expect(clock.timers.map((timer) => timer.isBackground)).toEqual([false]);
    await pool.close();
    await expect(caller).rejects.toThrow(ClosedError);
    expect(clock.timers).toEqual([]);
  });

  test('isReady keeps min suitable resources idle beside those in use', async () => {
    const used = new Set<number>();
    const { pool } = numberPool({ min: 1, max: 3, isReady: (resource) => !used.has(resource) });
    const lease = await pool.acquire();
    used.add(lease.value);
    await settled();
    expect(pool.stats()).toMatchObject({ idle: 1, inUse: 1 });
    lease.release();
    await settled();
    expect(pool.stats()).toMatchObject({ idle: 2, created: 2 });
  });
});

describe('retiring', () => {
  test('a resource is replaced after usesMax uses', async () => {
    const { pool, gone } = numberPool({ usesMax: 2 });
    for (let use = 0; use < 4; use += 1) await pool.use(() => {});
    await settled();
    expect(gone).toEqual([
      [1, 'uses'],
      [2, 'uses'],
    ]);
  });

  test('a resource is destroyed at ageMaxMs: idle at once, in use on its return', async () => {
    const { pool, clock, gone } = numberPool({ ageMaxMs: 1_000 });
    const held = await pool.acquire();
    (await pool.acquire()).release();
    await clock.advance(1_000);
    expect(gone).toEqual([[2, 'age']]);
    held.release();
    await settled();
    expect(gone).toEqual([
      [2, 'age'],
      [1, 'age'],
    ]);
  });

  test('an idle resource too old for its timer to have fired is not lent', async () => {
    const late = new FakeClock();
    let nowMs = 0;
    const { pool, gone } = numberPool({
      ageMaxMs: 10,
      clock: {
        now: () => nowMs,
        setTimeout: late.setTimeout.bind(late),
        clearTimeout: late.clearTimeout.bind(late),
      },
    });
    (await pool.acquire()).release();
    nowMs = 11;
    expect((await pool.acquire()).value).toBe(2);
    expect(gone).toEqual([[1, 'age']]);
  });

  test('an idle resource above min is destroyed after idleTimeoutMs, the others stay', async () => {
    const { pool, clock, gone } = numberPool({ min: 1, max: 3, idleTimeoutMs: 100 });
    const leases = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
    for (const lease of leases) lease.release();
    await clock.advance(99);
    expect(gone).toEqual([]);
    await clock.advance(1);
    expect(gone).toEqual([
      [1, 'idle'],
      [2, 'idle'],
    ]);
    await clock.advance(10_000);
    expect(pool.stats()).toMatchObject({ idle: 1 });
    expect(clock.timers).toEqual([]);
  });

  test('with isReady, an idle resource that is not ready goes after idleTimeoutMs', async () => {
    const { pool, clock, gone } = numberPool({
      min: 1,
      idleTimeoutMs: 100,
      isReady: (resource) => resource > 1,
    });
    await pool.warmUp(1);
    (await pool.acquire({ rank: (resource) => (resource === 1 ? 1 : 0) })).release();
    await clock.advance(200);
    expect(gone).toEqual([[1, 'idle']]);
    expect(pool.stats()).toMatchObject({ idle: 1 });
  });

  test('overflow resources are created in a rush and destroyed on their return', async () => {
    const { pool, gone } = numberPool({ max: 1, overflowMax: 1 });
    const [first, second] = [await pool.acquire(), await pool.acquire()];
    expect(pool.stats()).toMatchObject({
      inUse: 2,
      overflowInUse: 1,
      overflowUtilization: 1,
      utilization: 2,
    });
    second.release();
    await settled();
    expect(gone).toEqual([[2, 'overflow']]);
    first.release();
    expect(pool.stats()).toMatchObject({ idle: 1, overflowInUse: 0 });
  });

  test('a caller in line takes an overflow resource over', async () => {
    const { pool, gone } = numberPool({ max: 1, overflowMax: 1 });
    const leases = [await pool.acquire(), await pool.acquire()];
    const third = pool.acquire();
    leases[1]?.release();
    expect((await third).value).toBe(2);
    expect(gone).toEqual([]);
  });

  test('a dying resource counts towards max until it is gone', async () => {
    let finish = () => {};
    const { pool } = numberPool({
      max: 1,
      destroy: () => new Promise((resolve) => (finish = () => resolve())),
    });
    const lease = await pool.acquire();
    const gone = lease.destroy('memory');
    const next = pool.acquire();
    await settled();
    expect(pool.stats()).toMatchObject({ destroying: 1, creating: 0, inUse: 0, waiting: 1 });
    finish();
    await gone;
    expect((await next).value).toBe(2);
    expect(pool.stats().destroyed).toEqual({ memory: 1 });
  });

  test('a destroy that fails still frees the slot, and the observer is told', async () => {
    const destroyFailed = vi.fn<NonNullable<PoolObserver['destroyFailed']>>();
    const { pool } = numberPool({
      max: 1,
      destroy: () => Promise.reject(new Error('stuck')),
      observer: { destroyFailed },
    });
    await (await pool.acquire()).destroy();
    expect(destroyFailed).toHaveBeenCalledOnce();
    expect((await pool.acquire()).value).toBe(2);
  });

  test('evict destroys the idle resources that match, and says how many', async () => {
    const { pool, gone } = numberPool({ max: 3 });
    const held = await pool.acquire();
    await pool.warmUp(3);
    expect(await pool.evict((resource) => resource !== 3, 'broken')).toBe(1);
    expect(gone).toEqual([[2, 'broken']]);
    expect(await pool.evict()).toBe(1);
    held.release();
    expect(pool.stats()).toMatchObject({ idle: 1 });
  });

  test('clear destroys idle resources now, and the others on their return or arrival', async () => {
    const { pool, gone } = numberPool({ max: 3 });
    const held = await pool.acquire();
    (await pool.acquire()).release();
    const warming = pool.warmUp(3);
    await pool.clear();
    await warming;
    held.release();
    await settled();
    expect(gone.map(([resource]) => resource).sort()).toEqual([1, 2, 3]);
    expect(new Set(gone.map(([, reason]) => reason))).toEqual(new Set(['cleared']));
    expect(pool.stats()).toMatchObject({ idle: 0, inUse: 0 });
  });
});

describe('validation', () => {
  test('an idle resource that fails its check is destroyed, and the next is lent', async () => {
    const { pool, gone } = numberPool({ validate: (resource) => resource !== 2 });
    const leases = [await pool.acquire(), await pool.acquire()];
    for (const lease of leases) lease.release();
    expect((await pool.acquire()).value).toBe(1);
    expect(gone).toEqual([[2, 'invalid']]);
  });

  test('a check that throws destroys the resource, and another is created', async () => {
    const { pool, gone } = numberPool({
      validate: () => {
        throw new Error('gone');
      },
    });
    (await pool.acquire()).release();
    expect((await pool.acquire()).value).toBe(2);
    expect(gone).toEqual([[1, 'invalid']]);
  });

  test('a resource checked for a caller that left stays idle', async () => {
    let answer = (_isValid: boolean) => {};
    const { pool } = numberPool({ validate: () => new Promise((resolve) => (answer = resolve)) });
    (await pool.acquire()).release();
    const controller = new AbortController();
    const aborted = pool.acquire({ signal: controller.signal });
    expect(pool.stats()).toMatchObject({ inUse: 1, idle: 0, exhaustionEvents: 0 });
    controller.abort();
    await expect(aborted).rejects.toThrow(AbortedError);
    answer(true);
    await settled();
    expect(pool.stats()).toMatchObject({ inUse: 0, idle: 1 });
  });

  test('a resource that returns during a check goes to the next in line', async () => {
    let answer = (_isValid: boolean) => {};
    const { pool } = numberPool({ validate: () => new Promise((resolve) => (answer = resolve)) });
    const leases = [await pool.acquire(), await pool.acquire()];
    leases[0]?.release();
    const checked = pool.acquire();
    const next = pool.acquire();
    answer(false);
    expect((await checked).value).toBe(3);
    leases[1]?.release();
    await settled();
    answer(true);
    expect((await next).value).toBe(2);
  });

  test('close during a check destroys the resource once', async () => {
    let answer = (_isValid: boolean) => {};
    const { pool, gone } = numberPool({ validate: () => new Promise((resolve) => (answer = resolve)) });
    (await pool.acquire()).release();
    const caller = pool.acquire();
    caller.catch(() => {});
    await pool.close();
    answer(true);
    await settled();
    await expect(caller).rejects.toThrow(ClosedError);
    expect(gone).toEqual([[1, 'closed']]);
  });
});

describe('leaks', () => {
  test('a lease held too long is reported once, with its place, and may be revoked', async () => {
    const leaked = vi.fn<NonNullable<PoolObserver['leaked']>>();
    const { pool, clock, gone } = numberPool({ max: 1, leakThresholdMs: 100, observer: { leaked } });
    const lease = await pool.acquire();
    await clock.advance(1_000);
    expect(leaked).toHaveBeenCalledOnce();
    const event = leaked.mock.calls[0]?.[0];
    expect(event).toMatchObject({ pool: 'number', heldMs: 100 });
    expect(event?.acquiredAt).toContain('resource-pool.test.ts');
    expect(pool.stats().leaks).toBe(1);
    await event?.revoke();
    expect(gone).toEqual([[1, 'revoked']]);
    lease.release();
    await lease.destroy();
    expect((await pool.acquire({ label: 'export' })).value).toBe(2);
    await event?.revoke();
    expect(pool.stats()).toMatchObject({ inUse: 1 });
    await clock.advance(100);
    expect(leaked.mock.calls[1]?.[0].acquiredAt).toBe('export');
  });

  test('the leases that are out longest are shown with their holders', async () => {
    const { pool, clock } = numberPool({ max: 8, leakThresholdMs: 100 });
    for (let index = 0; index < 7; index += 1) {
      await pool.acquire({ label: `holder ${index}` });
      await clock.advance(10);
    }
    const { longestHeld, leakThresholdMs } = pool.stats();
    expect(leakThresholdMs).toBe(100);
    expect(longestHeld).toHaveLength(5);
    expect(longestHeld.slice(0, 2)).toEqual([
      { holder: 'holder 0', heldMs: 70 },
      { holder: 'holder 1', heldMs: 60 },
    ]);
  });

  test('a lease given back in time is not reported', async () => {
    const { pool, clock } = numberPool({ leakThresholdMs: 100 });
    const lease = await pool.acquire();
    await clock.advance(99);
    lease.release();
    await clock.advance(1_000);
    expect(pool.stats().leaks).toBe(0);
  });
});

describe('closing', () => {
  test('drain refuses callers, waits for what is in use, and destroys it on its return', async () => {
    const { pool, gone } = numberPool({ max: 1 });
    const lease = await pool.acquire();
    const inLine = pool.acquire();
    inLine.catch(() => {});
    const drained = pool.drain(1_000);
    await expect(inLine).rejects.toThrow(ClosedError);
    await expect(pool.acquire()).rejects.toThrow('the pool of number is draining');
    await expect(pool.warmUp(1)).rejects.toThrow(ClosedError);
    expect(pool.stats().state).toBe('draining');
    lease.release();
    await drained;
    expect(pool.stats().state).toBe('closed');
    expect(gone).toEqual([[1, 'closed']]);
  });

  test('drain takes away what is in use when the grace is over, and close at once', async () => {
    const { pool, clock, gone } = numberPool();
    const lease = await pool.acquire();
    await pool.acquire();
    const drained = pool.drain(1_000);
    void pool.drain(2_000);
    await clock.advance(999);
    expect(gone).toEqual([]);
    await clock.advance(1);
    await drained;
    expect(gone.map(([, reason]) => reason)).toEqual(['closed', 'closed']);
    lease.release();
    await lease.destroy();
  });

  test('close may be called twice, during drain, and after the end', async () => {
    const { pool, clock, gone } = numberPool();
    const lease = await pool.acquire();
    const drained = pool.drain(Number.POSITIVE_INFINITY);
    const slow = pool.drain(5_000);
    await Promise.all([pool.close(), pool.close(), drained, slow]);
    await pool.close();
    await pool[Symbol.asyncDispose]();
    expect(gone).toEqual([[1, 'closed']]);
    expect(clock.timers).toEqual([]);
    lease.release();
  });

  test('close during a creation aborts it, and destroys what still arrives', async () => {
    let arrive = (_value: number) => {};
    const reasons: unknown[] = [];
    const { pool, gone } = numberPool({
      create: (signal) => {
        signal.addEventListener('abort', () => reasons.push(signal.reason));
        return new Promise((resolve) => (arrive = resolve));
      },
    });
    const caller = pool.acquire();
    caller.catch(() => {});
    const closed = pool.close();
    expect(reasons).toEqual([expect.any(ClosedError)]);
    arrive(9);
    await closed;
    expect(gone).toEqual([[9, 'closed']]);
    expect(pool.stats()).toMatchObject({ state: 'closed', creating: 0, idle: 0 });
  });

  test('close settles when a creation ends by its abort', async () => {
    const { pool } = numberPool({
      create: (signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    });
    const caller = pool.acquire();
    caller.catch(() => {});
    await pool.close();
    expect(pool.stats().state).toBe('closed');
  });
});

describe('numbers', () => {
  test('acquire and use times fall into the buckets of their histograms', async () => {
    const { pool, clock } = numberPool({ max: 1 });
    const held = await pool.acquire();
    const next = pool.acquire();
    await clock.advance(30);
    held.release();
    (await next).release();
    const { acquireMs, useMs } = pool.stats();
    expect(acquireMs).toMatchObject({ count: 2, sumMs: 30 });
    expect(useMs).toMatchObject({ count: 2, sumMs: 30 });
    expect(acquireMs.counts[acquireMs.boundsMs.indexOf(50)]).toBe(1);
  });

  test('the observer hears of each creation and destruction, and its faults harm nobody', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const destroyed = vi.fn<NonNullable<PoolObserver['destroyed']>>();
    const { pool } = numberPool({
      observer: {
        created: () => {
          throw new Error('observer');
        },
        destroyed,
      },
    });
    await (await pool.acquire()).destroy('timeout');
    expect(destroyed).toHaveBeenCalledWith({ pool: 'number', reason: 'timeout', ageMs: 0, uses: 1 });
    expect(warned).toHaveBeenCalledOnce();
    warned.mockRestore();
  });

  test.each([
    [{ max: 0 }, 'max must be at least 1, got 0'],
    [{ min: 3 }, 'min 3 is above max 2'],
    [{ usesMax: Number.NaN }, 'usesMax must be at least 1, got NaN'],
  ])('%o is refused with ConfigurationError', (options, message) => {
    expect(() => numberPool(options)).toThrow(ConfigurationError);
    expect(() => numberPool(options)).toThrow(message);
  });

  test('an idle pool of the system clock does not hold the process open', async () => {
    const pool = new ResourcePool<number>({
      name: 'real',
      max: 1,
      create: () => Promise.resolve(1),
      destroy: () => Promise.resolve(),
      idleTimeoutMs: 3_000_000_000,
      leakThresholdMs: 5_000,
    });
    const held = await pool.acquire();
    await expect(pool.acquire({ timeoutMs: 1 })).rejects.toThrow(PoolExhaustedError);
    held.release();
    const timers = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout');
    await pool.close();
    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length).toBe(timers.length);
  });
});
