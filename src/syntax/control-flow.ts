import type { Inspection } from './capabilities.ts';
export function reportEndlessLoops(inspection: Inspection): void {
  void inspection;
}
