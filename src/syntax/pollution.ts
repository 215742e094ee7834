import type { Inspection } from './capabilities.ts';
export function reportPollution(inspection: Inspection): void {
  void inspection;
}
