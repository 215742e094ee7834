/** Every option of the library: one schema with its default, unit and bound. Unknown keys are refused. */
import { z } from 'zod';
import { batchShape } from './batch-options.ts';
import { usableCores } from './cores.ts';
import { ConfigurationError } from './errors.ts';
import { grantsMaxSchema } from './grants.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const YEAR_MS = 365 * DAY_MS;

const count = (least: number, most: number) => z.int().min(least).max(most);
const milliseconds = (most: number) => z.int().min(1).max(most);
const bytes = (most: number) => z.int().min(1).max(most);
const ratio = z.number().min(0).max(1);

const section = <Shape extends z.ZodRawShape>(shape: Shape) => z.strictObject(shape).prefault({} as never);

const runLimits = {
  timeoutMs: milliseconds(24 * 60 * MINUTE_MS)
    .default(30_000)
    .describe('Wall time of one run, in ms; at its end the process group is killed.'),
  memoryBytesMax: z
    .int()
    .min(16 * MIB)
    .max(64 * 1024 * MIB)
    .default(128 * MIB)
    .describe("V8's heap and external memory of one run together, in bytes."),
  outputBytesMax: bytes(1024 * MIB)
    .default(10 * MIB)
    .describe('Largest answer, in bytes of its text form.'),
  logBytesMax: z
    .int()
    .min(0)
    .max(1024 * MIB)
    .default(MIB)
    .describe('Console output kept of one run, in bytes; the rest is cut, with a mark.'),
};

const pool = (defaults: { min: number; max: number; acquireTimeoutMs: number }) => ({
  min: count(0, 1024).default(defaults.min).describe('Resources kept ready.'),
  max: count(1, 1024).default(defaults.max).describe('Most resources alive at once.'),
  overflowMax: count(0, 1024).default(0).describe('Extra resources in a rush, destroyed on release.'),
  acquireTimeoutMs: milliseconds(10 * MINUTE_MS)
    .default(defaults.acquireTimeoutMs)
    .describe('Longest wait for a free resource, in ms.'),
  waitingMax: count(0, 1_000_000).default(1_000).describe('Most callers in the waiting line.'),
  idleTimeoutMs: milliseconds(24 * 60 * MINUTE_MS)
    .default(5 * MINUTE_MS)
    .describe('An idle resource above `min` is destroyed after this, in ms.'),
  usesMax: count(1, Number.MAX_SAFE_INTEGER)
    .default(100_000)
    .describe('A resource is replaced after this many uses.'),
  ageMaxMs: milliseconds(30 * 24 * 60 * MINUTE_MS)
    .default(60 * MINUTE_MS)
    .describe('A resource is replaced at this age, in ms.'),
});

const cores = usableCores();

export const optionsSchema = z.strictObject({
  path: z.string().min(1).default('skills.db').describe('SQLite file; `:memory:` keeps nothing.'),
  readonly: z.boolean().default(false).describe('Open an existing library without writing to it.'),
  store: section({
    readers: section({
      ...pool({ min: 0, max: Math.max(2, cores), acquireTimeoutMs: 5_000 }),
      leakThresholdMs: milliseconds(24 * 60 * MINUTE_MS)
        .default(MINUTE_MS)
        .describe('A connection lent for longer raises an alert that names its holder, in ms.'),
      revokeLeaks: z
        .boolean()
        .default(false)
        .describe('Take such a connection back: its query is stopped and fails.'),
    }),
    busyTimeoutMs: milliseconds(10 * MINUTE_MS)
      .default(10_000)
      .describe('Longest wait for a lock that another process holds, in ms.'),
    writesWaitingMax: count(1, 1_000_000)
      .default(10_000)
      .describe('Most writes waiting for the next commit.'),
    runsMax: count(0, 100_000_000).default(100_000).describe('Run records kept; the oldest go first.'),
    resultBytesMax: bytes(1024 * 1024 * MIB)
      .default(256 * MIB)
      .describe('Stored results kept, in bytes; the oldest go first.'),
    runAgeMaxMs: milliseconds(100 * YEAR_MS)
      .default(30 * DAY_MS)
      .describe('Run records older than this are removed, in ms.'),
    resultsMax: count(0, 1_000_000_000)
      .default(1_000_000)
      .describe('Stored results kept; the oldest go first.'),
    versionsMax: count(1, 1_000_000)
      .default(1_000)
      .describe('Versions kept of one skill; the oldest that nothing pins go first.'),
    versionAgeMaxMs: milliseconds(100 * YEAR_MS)
      .default(100 * YEAR_MS)
      .describe('A version that is not current and not pinned is removed after this, in ms.'),
    auditMax: count(1, 1_000_000_000)
      .default(1_000_000)
      .describe('Entries of the audit trail of the endpoint; the oldest go first.'),
    answersMax: count(1, 10_000_000)
      .default(10_000)
      .describe('Answers kept for requests that are made again; the oldest go first.'),
    answerBytesMax: bytes(64 * 1024 * MIB)
      .default(256 * MIB)
      .describe('The same in bytes.'),
  }),
  cache: section({
    skillEntriesMax: count(1, 10_000_000).default(1_000).describe('Compiled skills kept in memory.'),
    skillBytesMax: bytes(64 * 1024 * MIB)
      .default(64 * MIB)
      .describe('Compiled skills kept in memory, in bytes (estimate).'),
    resultEntriesMax: count(1, 100_000_000).default(100_000).describe('Results kept in memory.'),
    resultBytesMax: bytes(64 * 1024 * MIB)
      .default(64 * MIB)
      .describe('Results kept in memory, in bytes.'),
    resultTtlMs: milliseconds(365 * 24 * 60 * MINUTE_MS)
      .default(24 * 60 * MINUTE_MS)
      .describe('Age at which a result is no longer served, in ms.'),
    storeResults: z
      .boolean()
      .default(true)
      .describe('Keep results in the store too, so that a restart is warm.'),
    policy: z
      .enum(['lru', 's3-fifo'])
      .default('lru')
      .describe('What leaves memory first; `s3-fifo` withstands scans.'),
    skillTtlMs: milliseconds(365 * 24 * 60 * MINUTE_MS)
      .default(24 * 60 * MINUTE_MS)
      .describe('Age at which a compiled skill is dropped when expired entries are, in ms.'),
    resultStaleMs: z
      .int()
      .min(0)
      .max(365 * 24 * 60 * MINUTE_MS)
      .default(0)
      .describe('For so long past its age a result is served while it is renewed, in ms; 0: never.'),
    purityCheckHits: count(0, 1_000_000_000)
      .default(1_000)
      .describe('One in this many hits is run again to see whether the skill is pure; 0: none.'),
    warmUpSkills: count(0, 10_000)
      .default(0)
      .describe('Most used skills to compile when the library is opened.'),
  }),
  workers: section({
    ...pool({ min: 1, max: Math.max(2, cores * 2), acquireTimeoutMs: 30_000 }),
    concurrency: count(1, 1024)
      .default(Math.max(2, cores))
      .describe(
        'Most runs at once; by default as many as there are cores that this process may use, and 2 at least.',
      ),
    memoryCeilingBytes: bytes(1024 * 1024 * MIB)
      .default(256 * MIB)
      .describe('A worker whose process ever held more than this, and than its runs may, is not used again.'),
    isolation: z
      .enum(['version', 'run', 'library'])
      .default('version')
      .describe(
        'What a worker serves: one version, one run (a pristine process each), or any version (trusted code).',
      ),
    executor: z
      .enum(['process', 'thread'])
      .default('process')
      .describe(
        'What a worker is: a confined process, or a thread of this one, without any confinement (trusted code).',
      ),
    forkServer: z
      .enum(['auto', 'never'])
      .default('auto')
      .describe('Workers are copies of a process that stands ready, where that can be, or never.'),
    forkServersMax: count(1, 64)
      .default(3)
      .describe(
        'Most processes that stand ready to be copied; each memory limit of runs has one of its own.',
      ),
    forkServerCopies: count(1, 256)
      .default(48)
      .describe('Copies that one makes before another takes its place; each costs two open files meanwhile.'),
  }),
  run: section(runLimits),
  sandbox: section({
    require: z
      .enum(['none', 'permission', 'kernel'])
      .default('permission')
      .describe('The least confinement that is accepted; a run with less is refused.'),
    wrapper: z
      .enum(['auto', 'never', 'require'])
      .default('auto')
      .describe(
        'Namespaces (bubblewrap) or a profile (sandbox-exec) around workers: where installed, never, or no run without.',
      ),
    cgroup: z
      .enum(['auto', 'never', 'require'])
      .default('auto')
      .describe('A cgroup (v2) for each worker: where this process may make them, never, or no run without.'),
    cgroupPath: z
      .string()
      .max(4_096)
      .default('')
      .describe('The delegated cgroup to make them in; empty: the one that this process is in.'),
    grants: grantsMaxSchema.describe('The most that any run is granted beside computing.'),
  }),
  injection: section({
    depthMax: count(1, 100_000).default(1_000).describe('Deepest nesting of data.'),
    bytesMax: bytes(1024 * MIB)
      .default(64_000_000)
      .describe('Largest data of one call, in bytes of its text form.'),
  }),
  requires: section({
    depthMax: count(1, 1_000).default(32).describe('Longest chain of required skills.'),
    bytesMax: bytes(64 * MIB)
      .default(8 * MIB)
      .describe('Code of a skill and all it requires, in bytes.'),
  }),
  security: section({
    capabilities: z
      .enum(['off', 'warn', 'enforce'])
      .default('warn')
      .describe('What happens to a capability that a skill has and does not declare.'),
    knownGlobals: z
      .array(z.string().min(1).max(128))
      .max(10_000)
      .default([])
      .describe('Free names to take as provided.'),
  }),
  monitor: section({
    enabled: z
      .boolean()
      .default(true)
      .describe('Time runs, sample memory, raise alerts; what is merely counted is counted in any case.'),
    sampleIntervalMs: milliseconds(24 * 60 * MINUTE_MS)
      .default(30_000)
      .describe('How often alerts look at a snapshot while there is work, in ms.'),
    repeatMs: milliseconds(24 * 60 * MINUTE_MS)
      .default(5 * MINUTE_MS)
      .describe('A firing alert is told again at most this often, in ms.'),
    poolUtilizationMax: ratio.default(0.9),
    overflowUtilizationMax: ratio.default(0.8),
    exhaustionRateMax: ratio.default(0.01),
    cacheUtilizationMax: ratio.default(0.85),
    memoryShareMax: ratio.default(0.8).describe('Share of the memory this process and its workers may use.'),
    walBytesMax: bytes(1024 * 1024 * MIB)
      .default(256 * MIB)
      .describe("Size of the store's log above which an alert is raised, in bytes."),
    alertsPerRuleMax: count(1, 10_000)
      .default(20)
      .describe('Most alerts of one rule told within `repeatMs`; beyond it they are only counted.'),
    reportIntervalMs: milliseconds(7 * 24 * 60 * MINUTE_MS)
      .default(30 * MINUTE_MS)
      .describe('How often memory is reported beside what the caches hold, while there is work, in ms.'),
    webhook: section({
      url: z
        .string()
        .max(2_000)
        .refine((url) => url === '' || /^https?:$/.test(protocolOf(url)), {
          message: 'must be an http or https URL',
        })
        .default('')
        .describe('Where alerts are posted to, as JSON; empty: nowhere.'),
      secretEnv: z
        .string()
        .min(1)
        .max(128)
        .default('SKILLCACHE_WEBHOOK_SECRET')
        .describe('Environment variable that holds the secret of the signature.'),
      timeoutMs: milliseconds(10 * MINUTE_MS)
        .default(5_000)
        .describe('Deadline of one try, in ms.'),
      triesMax: count(1, 100).default(6).describe('Tries before an alert is given up.'),
      backoffMs: milliseconds(60 * MINUTE_MS)
        .default(1_000)
        .describe('Pause after the first failed try, in ms; doubled after each further one.'),
      waitingMax: count(1, 100_000).default(100).describe('Alerts waiting to be posted; the oldest go.'),
    }),
  }),
  batch: section(batchShape),
  closeTimeoutMs: milliseconds(10 * MINUTE_MS)
    .default(10_000)
    .describe('How long `close()` lets running work finish, in ms.'),
});

function protocolOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : '';
}

/** What a caller may give: every key optional. */
export type SkillLibraryOptions = z.input<typeof optionsSchema>;
/** Every option with its value. */
export type ResolvedOptions = z.output<typeof optionsSchema>;

/**
 * Fills in the defaults.
 * @throws {ConfigurationError} naming each wrong key; `details.issues` is `[{ path, message }]`.
 */
export function resolveOptions(options: SkillLibraryOptions = {}): ResolvedOptions {
  const parsed = optionsSchema.safeParse(options);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.flatMap((issue) => {
    const path = issue.path.map(String);
    if (issue.code !== 'unrecognized_keys')
      return [{ path: path.join('.') || '(options)', message: issue.message }];
    return issue.keys.map((key) => ({ path: [...path, key].join('.'), message: 'unknown option' }));
  });
  const text = issues.map((issue) => `${issue.path}: ${issue.message}`).join('; ');
  throw new ConfigurationError(`wrong options: ${text}`, { details: { issues } });
}
