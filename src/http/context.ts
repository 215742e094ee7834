/** What every route is given. */
import type { FastifyRequest } from 'fastify';
import type { HttpOptions } from '../http-options.ts';
import type { SkillLibrary } from '../library.ts';
import type { RunTurns } from '../library/run-turns.ts';
import type { Admission } from './admission.ts';
import type { AnswerBursts } from './answer-bursts.ts';
import type { AnswerGroups } from './answer-groups.ts';
import type { Caller } from './caller.ts';
import type { Clients } from './client-gone.ts';
import type { KeptRuns } from './kept-runs.ts';
import type { ServedBatches } from './served-batches.ts';

export interface ServiceContext {
  readonly options: HttpOptions;
  readonly admission: Admission;
  readonly bursts: AnswerBursts;
  readonly groups: AnswerGroups;
  readonly keptRuns: KeptRuns;
  readonly batches: ServedBatches;
  readonly turns: RunTurns;
  readonly clients: Clients;
  /** Event streams that are open. */
  readonly streams: { open: number };
  /** Whose numbers the service shows as its own. */
  readonly own: Caller;
  /** The library of the caller's tenant. */
  libraryOf(caller: Caller): Promise<SkillLibrary> | SkillLibrary;
  /** Of a run that is answered later: its own error is no answer. */
  runFailed(request: FastifyRequest, skill: string | undefined, thrown: unknown): void;
  /** Of a batch: once for each attempt, `thrown` where it did not come to its end. */
  batchEnded(request: FastifyRequest, id: string, thrown: unknown): void;
}
