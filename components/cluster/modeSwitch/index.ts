/** Switches between kube-proxy's modes that lose no connection: what comes before, and what comes after. */
import type { ClusterChoice } from "../../facts/ask.ts";
import type { Wave } from "../../pools/waves.ts";
import { loadCluster } from "../client.ts";
import type { SwitchOptions } from "./options.ts";
import { prepare } from "./prepare.ts";

export { clear } from "./clear.ts";
export type { SwitchOptions } from "./options.ts";

/** {@link prepare} on the cluster that a user means. */
export async function prepareSwitch(
  choice: ClusterChoice,
  wave: Wave,
  options: SwitchOptions,
): Promise<void> {
  await prepare(loadCluster(choice, process.env), wave, options);
}
