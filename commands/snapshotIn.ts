import { SnapshotIn } from "../components/plan/snapshotIn.ts";
import { UsageError } from "./commandLine.ts";

/**
 * Reads an option that says where a snapshot is kept.
 *
 * @throws UsageError for everything but one of {@link SnapshotIn}
 */
export function snapshotInOf(option: string, text: string): SnapshotIn {
  const all = Object.values(SnapshotIn);
  const found = all.find((one) => one === text);
  if (found === undefined) {
    throw new UsageError(`${option}: ${JSON.stringify(text)} is not accepted; accepted: ${all.join(" or ")}`);
  }
  return found;
}
