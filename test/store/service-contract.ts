/** What every store promises of the endpoint's part; run against each implementation. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ApiKeyRecord, AuditEntry, KeptAnswer } from '../../src/store/service-store.ts';
import type { Store } from '../../src/store/store.ts';

export interface ServiceBounds {
  auditMax?: number;
  answersMax?: number;
  answerBytesMax?: number;
}

const key = (id: string): ApiKeyRecord => ({
  id,
  name: `key ${id}`,
  tenant: 'default',
  hash: 'ab'.repeat(32),
  scopes: ['read'],
  skills: ['csv-*'],
  createdAtMs: 1,
});
const entry = (target: string): AuditEntry => ({
  atMs: 1,
  tenant: 'default',
  caller: 'cli',
  action: 'run',
  target,
  outcome: 'ok',
  count: 2,
});
const answer = (name: string, rest: Partial<KeptAnswer> = {}): KeptAnswer => ({
  key: name,
  fingerprint: 'f',
  status: 201,
  headers: '{}',
  body: `body of ${name}`,
  expiresAtMs: Date.now() + 60_000,
  ...rest,
});

export function testServiceContract(name: string, open: (bounds?: ServiceBounds) => Promise<Store>): void {
  describe(`${name} keeps the contract of a service store`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open({ auditMax: 5, answersMax: 3, answerBytesMax: 1_000 });
    });
    afterEach(() => store.close());

    test('a key is found by its id, listed, and revoked once', async () => {
      const { service } = store;
      expect(await service.hasKeys()).toBe(false);
      await service.addKey(key('one'));
      expect(await service.getKey('one')).toEqual(key('one'));
      expect(await service.getKey('two')).toBeUndefined();
      expect(await service.hasKeys()).toBe(true);
      await expect(service.addKey(key('one'))).rejects.toThrow('there is a key one already');
      expect(await service.revokeKey('one', 5)).toBe(true);
      expect(await service.revokeKey('one', 6)).toBe(false);
      expect(await service.listKeys()).toEqual([{ ...key('one'), revokedAtMs: 5 }]);
      expect(await service.hasKeys()).toBe(false);
    });

    test('the audit trail keeps the order, and of too many the latest', async () => {
      const { service } = store;
      await service.appendAudit(['a', 'b', 'c'].map(entry));
      await service.appendAudit(['d', 'e', 'f', 'g'].map(entry));
      const all = await service.readAudit();
      expect(all.map(({ target }) => target)).toEqual(['c', 'd', 'e', 'f', 'g']);
      expect(all[0]).toEqual({ seq: 3, ...entry('c') });
      const rest = await service.readAudit({ afterSeq: 4, limit: 2 });
      expect(rest.map(({ seq }) => seq)).toEqual([5, 6]);
    });

    test('the first answer of a key is the one that is given again, until it expires', async () => {
      const { service } = store;
      const first = answer('a');
      await service.putAnswer(first);
      await service.putAnswer(answer('a', { body: 'second' }));
      expect(await service.getAnswer('a')).toEqual(first);
      await service.putAnswer(answer('b', { expiresAtMs: Date.now() - 1 }));
      expect(await service.getAnswer('b')).toBeUndefined();
    });

    test('answers stay within their number and bytes; the oldest go', async () => {
      const { service } = store;
      for (const name of ['a', 'b', 'c', 'd']) await service.putAnswer(answer(name));
      expect(await service.getAnswer('a')).toBeUndefined();
      expect(await service.getAnswer('b')).toBeDefined();
      await service.putAnswer(answer('e', { body: 'x'.repeat(990) }));
      expect(await service.getAnswer('d')).toBeUndefined();
      expect(await service.getAnswer('e')).toBeDefined();
    });
  });
}
