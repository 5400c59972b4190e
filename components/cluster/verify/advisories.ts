import { advisories } from "../../advisories/advisories.ts";
import { holds, holdsOn } from "../../advisories/match.ts";
import { detectLocalModeOf } from "./configuration.ts";
import type { Answers } from "./diagnosis.ts";
import type { Fleet } from "./types.ts";

/** An advisory that holds on live nodes, as it is in the text and in the JSON. */
export interface AdvisoryFound {
  /** Its name, as in docs/advisories.md. */
  readonly name: string;
  /** What happens, and what to do, as parts of sentences. */
  readonly what: string;
  readonly remedy: string;
  /** Where to read more: a URL. */
  readonly source: string;
  /** Names of the nodes, in alphabetical order. */
  readonly nodes: readonly string[];
}

/** Finds out which advisories hold, by what each node's kube-proxy and kubelet have said of themselves anyway. */
export function advisoriesOf(fleet: Fleet, answers: Answers): AdvisoryFound[] {
  const live = fleet.nodes.flatMap(({ name, machine }) => {
    const probed = answers.get(name)?.probed;
    if (probed === undefined || typeof probed === "string") return [];
    const { version, mode, configuration } = probed;
    return [{ name, machine, running: { version, mode, detectLocalMode: detectLocalModeOf(configuration) } }];
  });
  return advisories
    .filter(({ doctor }) => doctor)
    .flatMap((row) => {
      const {
        name,
        what,
        remedy,
        sources: [source = ""],
      } = row;
      const nodes = live
        .filter(({ machine, running }) => holds(row, running) && holdsOn(row, machine))
        .map((node) => node.name)
        .sort();
      return nodes.length === 0 ? [] : [{ name, what, remedy, source, nodes }];
    });
}
