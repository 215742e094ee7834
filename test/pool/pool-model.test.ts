/** Random interleavings of everything a pool can be asked, against its invariants, on a clock that stands still. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Lease } from '../../src/pool/lease.ts';
import type { DestroyReason } from '../../src/pool/pool-stats.ts';
import { ResourcePool } from '../../src/pool/resource-pool.ts';
import { FakeClock, settled } from './fake-clock.ts';

const RUNS = Number(process.env['SKILLCACHE_PROPERTY_RUNS'] ?? 300);

interface Pending<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

interface Resource {
  readonly id: number;
  isDestroyed: boolean;
}

interface Caller {
  readonly id: number;
  readonly isPicky: boolean;
  readonly controller: AbortController;
  state: 'waiting' | 'holding' | 'gone';
}

/** The world around the pool: creations, checks and destructions end when the test says so. */
class World {
  readonly clock = new FakeClock();
  readonly creations: Pending<void>[] = [];
  readonly destructions: Pending<void>[] = [];
  readonly checks: Pending<boolean>[] = [];
  readonly existing = new Set<Resource>();
  readonly held = new Map<Resource, Caller>();
  readonly leases: { caller: Caller; lease: Lease<Resource> }[] = [];
  readonly callers: Caller[] = [];
  readonly pool: ResourcePool<Resource>;
  readonly capacity: number;
  readonly isValidated: boolean;
  closed: Promise<void> | undefined;
  #lastId = 0;

  constructor(bounds: { min: number; max: number; overflowMax: number; isValidated: boolean }) {
    const { isValidated, ...numbers } = bounds;
    this.isValidated = isValidated;
    this.capacity = bounds.max + bounds.overflowMax;
    this.pool = new ResourcePool<Resource>({
      name: 'resource',
      ...numbers,
      acquireTimeoutMs: 1_000,
      idleTimeoutMs: 700,
      ageMaxMs: 5_000,
      usesMax: 5,
      leakThresholdMs: 900,
      waitingMax: 20,
      clock: this.clock,
      create: () => this.#create(),
      destroy: (resource, reason) => this.#destroy(resource, reason),
      ...(isValidated && {
        validate: () => new Promise<boolean>((resolve, reject) => this.checks.push({ resolve, reject })),
      }),
    });
  }

  async #create(): Promise<Resource> {
    await new Promise<void>((resolve, reject) => this.creations.push({ resolve, reject }));
    const resource: Resource = { id: (this.#lastId += 1), isDestroyed: false };
    this.existing.add(resource);
    return resource;
  }

  async #destroy(resource: Resource, _reason: DestroyReason): Promise<void> {
    expect(resource.isDestroyed, 'destroyed once').toBe(false);
    resource.isDestroyed = true;
    this.held.delete(resource);
    await new Promise<void>((resolve, reject) => this.destructions.push({ resolve, reject })).finally(() =>
      this.existing.delete(resource),
    );
  }

  acquire(isPicky: boolean): void {
    const caller: Caller = {
      id: this.callers.length,
      isPicky,
      controller: new AbortController(),
      state: 'waiting',
    };
    this.callers.push(caller);
    const rank = isPicky ? { rank: (resource: Resource) => (resource.id % 2 === 0 ? 1 : -1) } : {};
    const refused = () => {
      caller.state = 'gone';
    };
    this.pool
      .acquire({ signal: caller.controller.signal, ...rank })
      .then((lease) => this.#granted(caller, lease), refused);
  }

  #granted(caller: Caller, lease: Lease<Resource>): void {
    expect(lease.value.isDestroyed && this.closed === undefined, 'lent while alive').toBe(false);
    expect(this.held.has(lease.value), 'lent to one at a time').toBe(false);
    const passed = this.callers.find((other) => other.state === 'waiting');
    // Whoever was passed in line is picky, is served in this very step, or has a resource under validation.
    if (!this.isValidated && passed !== undefined && passed.id < caller.id && !passed.isPicky) {
      this.passed.push([passed, caller]);
    }
    caller.state = 'holding';
    if (!lease.value.isDestroyed) this.held.set(lease.value, caller);
    this.leases.push({ caller, lease });
  }

  readonly passed: [Caller, Caller][] = [];

  async check(): Promise<void> {
    await settled();
    const stats = this.pool.stats();
    const waiting = this.callers.filter((caller) => caller.state === 'waiting');
    expect(stats.inUse + stats.idle + stats.creating + stats.destroying).toBeLessThanOrEqual(this.capacity);
    expect(this.existing.size + this.creations.length).toBeLessThanOrEqual(this.capacity);
    expect(stats.waiting).toBe(waiting.length);
    expect(stats.destroying).toBe(this.destructions.length);
    expect(stats.creating).toBe(this.creations.length);
    // `close()` overtakes a check: its resource is being destroyed already.
    const beingChecked = stats.inUse - this.held.size;
    if (stats.state === 'open') expect(beingChecked).toBe(this.checks.length);
    else expect(beingChecked >= 0 && beingChecked <= this.checks.length).toBe(true);
    for (const [passed, by] of this.passed) {
      expect(passed.state, `caller ${by.id} passed ${passed.id}`).not.toBe('waiting');
    }
    this.passed.length = 0;
    if (stats.state !== 'open') return;
    const unserved = waiting.length - this.checks.length;
    if (waiting.some((caller) => !caller.isPicky) && unserved > 0) {
      const easy = waiting.filter((caller) => !caller.isPicky).length - this.checks.length;
      if (easy > 0) expect(stats.idle, 'nobody waits while a resource is idle').toBe(0);
    }
    const alive = stats.inUse + stats.idle + stats.creating + stats.destroying;
    const isPaused = this.clock.timers.some((timer) => timer.atMs > this.clock.now());
    if (unserved > stats.creating && alive < this.capacity) {
      // There is room: only the pause after a failed creation, or the one that tries, may hold it back.
      expect(stats.createFailures, 'created while there is room').toBeGreaterThan(0);
      expect(isPaused || stats.creating > 0).toBe(true);
    }
  }

  async finish(): Promise<void> {
    this.closed = this.pool.close();
    for (let round = 0; round < 10; round += 1) {
      for (const check of this.checks.splice(0)) check.resolve(true);
      for (const creation of this.creations.splice(0)) creation.resolve();
      for (const destruction of this.destructions.splice(0)) destruction.resolve();
      await settled();
    }
    await this.closed;
    const stats = this.pool.stats();
    expect(stats).toMatchObject({
      state: 'closed',
      idle: 0,
      inUse: 0,
      creating: 0,
      destroying: 0,
      waiting: 0,
    });
    expect(this.existing.size, 'everything destroyed').toBe(0);
    expect(Object.values(stats.destroyed).reduce((sum, count) => sum + count, 0)).toBe(stats.created);
    expect(this.clock.timers).toEqual([]);
    expect(this.callers.filter((caller) => caller.state === 'waiting')).toEqual([]);
  }
}

const at = <Item>(items: Item[], index: number): Item | undefined =>
  items.length === 0 ? undefined : items[index % items.length];
const take = <Item>(items: Item[], index: number): Item | undefined =>
  items.splice(index % Math.max(1, items.length), 1)[0];

type Step = (world: World) => void | Promise<void>;
const index = fc.nat(1_000);
const step = (name: string, arbitrary: fc.Arbitrary<Step>): fc.Arbitrary<{ name: string; run: Step }> =>
  arbitrary.map((run) => ({ name, run, toString: () => name }));

const steps = fc.oneof(
  {
    weight: 6,
    arbitrary: step(
      'acquire',
      fc.boolean().map((isPicky) => (world) => world.acquire(isPicky)),
    ),
  },
  {
    weight: 4,
    arbitrary: step(
      'release',
      index.map((i) => (world) => give(world, i, false)),
    ),
  },
  {
    weight: 1,
    arbitrary: step(
      'break',
      index.map((i) => (world) => give(world, i, true)),
    ),
  },
  {
    weight: 1,
    arbitrary: step(
      'abort',
      index.map((i) => (world) => at(world.callers, i)?.controller.abort()),
    ),
  },
  {
    weight: 4,
    arbitrary: step(
      'created',
      index.map((i) => (world) => take(world.creations, i)?.resolve()),
    ),
  },
  {
    weight: 1,
    arbitrary: step(
      'not created',
      index.map((i) => (world) => take(world.creations, i)?.reject(new Error('no'))),
    ),
  },
  {
    weight: 3,
    arbitrary: step(
      'gone',
      index.map((i) => (world) => take(world.destructions, i)?.resolve()),
    ),
  },
  {
    weight: 1,
    arbitrary: step(
      'stuck',
      index.map((i) => (world) => take(world.destructions, i)?.reject(new Error('stuck'))),
    ),
  },
  {
    weight: 3,
    arbitrary: step(
      'valid',
      index.map((i) => (world) => take(world.checks, i)?.resolve(true)),
    ),
  },
  {
    weight: 1,
    arbitrary: step(
      'invalid',
      index.map((i) => (world) => take(world.checks, i)?.resolve(false)),
    ),
  },
  {
    weight: 2,
    arbitrary: step(
      'time',
      fc.integer({ min: 0, max: 800 }).map((ms) => (world) => world.clock.advance(ms)),
    ),
  },
  {
    weight: 1,
    arbitrary: step(
      'evict',
      fc.constant((world) => void world.pool.evict()),
    ),
  },
  {
    weight: 1,
    arbitrary: step(
      'clear',
      fc.constant((world) => void world.pool.clear()),
    ),
  },
  {
    weight: 1,
    arbitrary: step(
      'warm up',
      index.map((i) => (world) => void world.pool.warmUp(i % 5).catch(() => {})),
    ),
  },
);

function give(world: World, position: number, isBroken: boolean): void {
  const held = take(world.leases, position);
  if (held === undefined) return;
  held.caller.state = 'gone';
  if (world.held.get(held.lease.value) === held.caller) world.held.delete(held.lease.value);
  if (isBroken) void held.lease.destroy('broken');
  else held.lease.release();
}

const bounds = fc.record({
  min: fc.integer({ min: 0, max: 2 }),
  max: fc.integer({ min: 2, max: 4 }),
  overflowMax: fc.integer({ min: 0, max: 2 }),
  isValidated: fc.boolean(),
});

test('no interleaving of acquire, release, break, abort, clear and drain breaks an invariant of the pool', async () => {
  await fc.assert(
    fc.asyncProperty(
      bounds,
      fc.array(steps, { maxLength: 60 }),
      fc.nat(120),
      async (given, path, drainAt) => {
        const world = new World(given);
        for (const [position, { run }] of path.entries()) {
          if (position === drainAt) world.closed = world.pool.drain(300);
          await run(world);
          await world.check();
        }
        await world.finish();
      },
    ),
    { numRuns: RUNS },
  );
});
