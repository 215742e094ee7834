/** The public API. Nothing else of this package is importable. */
export { SkillLibrary } from './library.ts';
export { Batches } from './batch/batches.ts';
export type { Batch } from './batch/batch.ts';
export type {
  BatchEnd,
  BatchItem,
  BatchListOptions,
  BatchReport,
  BatchSignals,
  BatchStatus,
  DamagedBatch,
  ResumeOptions,
  StartOptions,
} from './batch/batch-types.ts';
export type { CompareOptions, Comparison, Difference, Side, SideReport } from './batch/compare.ts';
export type { ItemError } from './batch/item-run.ts';
export type { BatchRunOptions } from './batch/job.ts';
export type { BatchProgress, BatchStatusState } from './batch/progress.ts';
export type { BatchCallOptions, BatchFormat, BatchTuning, OnError } from './batch-options.ts';
export { injectData } from './inject/inject.ts';
export type { Injected, InjectionLimits, InjectOptions } from './inject/inject.ts';
export { reportCapabilities } from './syntax/capabilities.ts';
export type { CapabilityOptions, CapabilityReport } from './syntax/capabilities.ts';
export type { CapabilityFlag } from './syntax/capability-flags.ts';
export {
  AbortedError,
  BatchBusyError,
  BatchFailedError,
  BatchNotFoundError,
  BatchRefusedError,
  CacheOverflowError,
  ClosedError,
  ConfigurationError,
  DatabaseConnectionError,
  DatabaseCorruptError,
  DatabaseFullError,
  DatabaseReadonlyError,
  ERROR_KINDS,
  ExecutionMemoryError,
  ExecutionTimeoutError,
  FileNotFoundError,
  InjectionError,
  InputsBrokenError,
  InputValidationError,
  OutputLimitError,
  OutputUnwritableError,
  OutputValidationError,
  PoolExhaustedError,
  RequirementError,
  SandboxUnavailableError,
  SecurityValidationError,
  SkillCacheError,
  SkillInUseError,
  SkillInvalidError,
  SkillNotFoundError,
  SkillRuntimeError,
  SkillSyntaxError,
  SkillVerificationError,
  WorkerCrashedError,
} from './errors.ts';
export type { ErrorCode, ErrorDetails, ErrorKind, InjectionErrorCode, SourcePlace } from './errors.ts';
export { restoreLibrary } from './library/restore.ts';
export type { ImportOptions, ImportOutcome } from './library/import.ts';
export type {
  AddedSkill,
  AddOptions,
  CacheCounts,
  ClearOptions,
  Confinement,
  InjectRequest,
  LibraryEdges,
  LogEntry,
  SkillRun,
  StoredSkill,
  VerifyReport,
  WarmUpOptions,
  WarmUpReport,
} from './library/types.ts';
export type { Alert } from './monitor/alerts.ts';
export type { MemoryReport } from './monitor/memory-report.ts';
export type { MetricsSnapshot } from './monitor/metrics.ts';
export type { ResolvedOptions, SkillLibraryOptions } from './options.ts';
export type { OnStage, RunOptions, ToldStage } from './run-options.ts';
export type {
  JsonSchema,
  SkillDefinition,
  SkillDefinitionInput,
  SkillExample,
  SkillLimits,
} from './skills/skill.ts';
export type {
  AddedVersion,
  BackupOptions,
  ListOptions,
  RunRecord,
  SearchHit,
  SearchOptions,
  SkillSummary,
  StoreCheck,
  VersionSummary,
} from './store/store.ts';
