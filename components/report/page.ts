import type { UpdateReport } from "./types.ts";
export function page(report: UpdateReport, _earlier: readonly UpdateReport[]): string {
  return JSON.stringify(report);
}
