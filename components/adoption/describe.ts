/** What a user reads of a takeover. */
import { stringify } from "yaml";
import type { Yaml } from "../configuration/goYaml.ts";
import { isEmpty } from "../configuration/values.ts";
import { secretCommand, withoutSecrets } from "../input/passwords.ts";
import { printableLines } from "../input/printable.ts";
import type { Problem } from "../input/problems.ts";
import type { Settings } from "../kubeadm/settings.ts";
import type { TakeOver } from "./takeOver.ts";

/** Arguments that need other objects than kubeadm's. */
interface Waiting {
  readonly pools?: readonly unknown[];
  readonly running?: boolean;
}

/** Everything that keeps a kube-proxy from being taken over, with the settings that would let it. */
export function takeOverProblems(
  { problems, edits }: TakeOver,
  { pools = [], running = true }: Waiting,
): Problem[] {
  const refused = [pools.length > 0 ? "pools" : undefined, running ? undefined : "running"].filter(
    (key) => key !== undefined,
  );
  return [
    ...problems,
    ...refused.map((path) => ({
      path,
      accepted: "leave it out until kube-proxy is taken over as it is; it can change in the next update",
    })),
    ...(isEmpty(edits as Yaml)
      ? []
      : [
          {
            path: Object.keys(edits).join(", "),
            accepted: `differs from what kubeadm makes. Keep that by these lines in the stack's config file, or set another value${hiddenIn(edits)}:`,
            lines: linesOf(edits),
          },
        ]),
  ];
}

/** Which values of variables the lines do not show, and how each is set. */
function hiddenIn({ env = [] }: Partial<Settings>): string {
  const shown = withoutSecrets(env, "env") as typeof env;
  const hidden = env.flatMap(({ name, value }, index) =>
    shown[index]?.value === value ? [] : [`that of ${name} by ${secretCommand(index)}`],
  );
  return hidden.length === 0 ? "" : ` (VALUE stands for what is not shown: set ${hidden.join(", ")})`;
}

/** Settings as they stand below `config` in a stack's config file. */
function linesOf(edits: Partial<Settings>): string[] {
  const named = Object.entries(edits).map(([key, value]) => [
    `kube-proxy:${key}`,
    withoutSecrets(value, key),
  ]);
  const text = stringify(Object.fromEntries(named), { lineWidth: 0 }).trimEnd();
  return text.split("\n").map((line) => `  ${line}`);
}

/** What is taken over and what it changes, for a preview. */
export function describeTakeOver({ taken, changes, keepsPods }: TakeOver): string {
  return printableLines([
    `${taken.join(", ")}: taken over as ${taken.length === 1 ? "it is" : "they are"}, ${keepsPods ? "and no pod restarts" : "with changes that restart the pods"}.`,
    ...changes.map((change) => `  changed: ${change}`),
  ]);
}
