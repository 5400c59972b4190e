/**
 * Runs the Pulumi program for tests, `npm start` and the bench: on the real Pulumi CLI where it can
 * be had, else on a stand-in. Both run the same unmodified program, a process for each operation,
 * and read the same stack config.
 *
 * @packageDocumentation
 */
import { type CliSearch, CliUnavailable, findCli } from "./cli.ts";
import { standinEngine } from "./standin.ts";
import type { Engine } from "./types.ts";

export { Secret } from "./secrets.ts";
export type * from "./types.ts";

/** Environment variable that forces the choice: `cli` or `standin`. */
export const engineVariable = "KUBE_PROXY_ENGINE";

/** How {@link chooseEngine} chooses; for tests of the choice itself. */
export interface ChoiceOptions extends Partial<CliSearch> {
  /** Default: the variable {@link engineVariable}; empty chooses by what is there. */
  forced?: string | undefined;
}

/** Unasked, the search must not keep anyone waiting; a download that goes on may. */
const unasked = { idleMs: 20_000, totalMs: 120_000 };
const asked = { idleMs: 120_000, totalMs: 600_000 };

/**
 * Chooses the engine. Nothing about a failed search is remembered.
 *
 * @throws Error when the CLI is forced and cannot be had, or when another value is forced.
 */
export async function chooseEngine(options: ChoiceOptions = {}): Promise<Engine> {
  const { forced = process.env[engineVariable] ?? "", ...search } = options;
  if (!["", "cli", "standin"].includes(forced)) {
    throw new Error(
      `${engineVariable}: "${forced}" is not accepted; set cli (the Pulumi CLI) or standin ` +
        "(tests/engine/standin), or leave it out to take the CLI where it can be had",
    );
  }
  if (forced === "standin") return standinEngine(`${engineVariable}=standin`);
  try {
    return await findCli({ limits: forced === "cli" ? asked : unasked, ...search });
  } catch (error) {
    if (!(error instanceof CliUnavailable)) throw error;
    if (forced === "") return standinEngine(error.message);
    throw new Error(`${engineVariable}=cli, but the Pulumi CLI cannot be used: ${error.message}`, {
      cause: error,
    });
  }
}
