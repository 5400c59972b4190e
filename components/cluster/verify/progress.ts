import { listed } from "../../input/problems.ts";

/** At most so many nodes are named. */
const fewNodes = 5;

/**
 * Writes how far a verification is.
 *
 * @param open - names of the nodes that have not passed yet
 * @param count - of all nodes; 0 before they are known
 */
export function formatProgress(open: readonly string[], count: number, seconds: number): string {
  const after = `after ${seconds.toFixed(0)} s`;
  if (count === 0) return `${after}: the nodes are not read yet`;
  const which = open.length === 0 || open.length > fewNodes ? "" : `: ${listed(open)}`;
  return `${after}: ${open.length} of ${count} nodes still open${which}`;
}
