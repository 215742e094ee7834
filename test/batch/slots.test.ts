import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Slots } from '../../src/batch/slots.ts';

test('law: it holds what a map holds, however far what comes is ahead of what goes', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), ahead: fc.nat(600) }),
    fc.record({ kind: fc.constant('take' as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const slots = new Slots<number>();
      const map = new Map<number, number>();
      let first = 0;
      for (const [value, one] of steps.entries()) {
        if (one.kind === 'set') {
          slots.set(first + one.ahead, value, first);
          map.set(first + one.ahead, value);
        } else {
          slots.delete(first);
          map.delete(first);
          first += 1;
        }
        expect(slots.get(first)).toBe(map.get(first));
      }
      for (; map.size > 0; first += 1) {
        expect(slots.get(first)).toBe(map.get(first));
        slots.delete(first);
        map.delete(first);
      }
    }),
  );
});
