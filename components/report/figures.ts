import type { NodeCourse } from "./types.ts";
export function gapOf({ stopped, ready }: NodeCourse): number | null {
  return stopped === null || ready === null ? null : Math.max(0, ready - stopped);
}
