import type { InjectionCase } from './shared-cases.test.ts';

export const cases: InjectionCase[] = [];
