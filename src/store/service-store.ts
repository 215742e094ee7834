/** What the endpoint keeps beside skills: who may ask, who did what, and answers that must be given again. */

export interface ApiKeyRecord {
  /** Public: it is part of the key. */
  readonly id: string;
  /** What its owner calls it. */
  readonly name: string;
  readonly tenant: string;
  /** Lower-case hex SHA-256 of the whole key. */
  readonly hash: string;
  readonly scopes: readonly string[];
  /** Names of skills, each of which may end in `*`; absent: every skill. */
  readonly skills?: readonly string[];
  readonly createdAtMs: number;
  readonly expiresAtMs?: number;
  readonly revokedAtMs?: number;
}

export interface AuditEntry {
  readonly atMs: number;
  readonly tenant: string;
  /** The key's id, `anonymous`, or `cli`. */
  readonly caller: string;
  /** As `skill.put`, `run`, `key.create`. */
  readonly action: string;
  /** What it was done to. */
  readonly target?: string | undefined;
  /** `ok`, or the code of the error that refused it. */
  readonly outcome: string;
  /** How often, where equal ones within a second are one entry. */
  readonly count: number;
  readonly request?: string;
}

export interface StoredAuditEntry extends AuditEntry {
  /** Counts up; what was written later is greater. */
  readonly seq: number;
}

/** The first answer to a request that named a key of idempotency. */
export interface KeptAnswer {
  readonly key: string;
  /** Of the request; another one under the same key is a mistake. */
  readonly fingerprint: string;
  readonly status: number;
  /** JSON of the headers that belong to it. */
  readonly headers: string;
  readonly body: string;
  readonly expiresAtMs: number;
}

export interface ServiceStore {
  /** Refuses an id that is there already. */
  addKey(key: ApiKeyRecord): Promise<void>;
  getKey(id: string): Promise<ApiKeyRecord | undefined>;
  listKeys(): Promise<ApiKeyRecord[]>;
  /** Whether there is a key that is not revoked. */
  hasKeys(): Promise<boolean>;
  /** False where there is none, or it was revoked before. */
  revokeKey(id: string, atMs: number): Promise<boolean>;
  /** In the next write group, in the order given. Entries are never changed; the oldest go beyond `auditMax`. */
  appendAudit(entries: readonly AuditEntry[]): Promise<void>;
  /** Oldest first. */
  readAudit(options?: { afterSeq?: number; limit?: number }): Promise<StoredAuditEntry[]>;
  /** One that has not expired. */
  getAnswer(key: string): Promise<KeptAnswer | undefined>;
  putAnswer(answer: KeptAnswer): Promise<void>;
}
