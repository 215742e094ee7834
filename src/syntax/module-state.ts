import type { Inspection } from './capabilities.ts';
export function reportModuleState(inspection: Inspection): void {
  void inspection;
}
