import { releaseOf } from "./build.ts";
import type { Comparison, Difference } from "./compare.ts";
import type { KubeadmComparison } from "./kubeadm.ts";

const kinds: readonly Difference["kind"][] = ["falseAccept", "falseReject", "otherFields", "otherBytes"];

/** The comparisons as a page: tables, and what differed. */
export function formatReport(
  judged: readonly Comparison[],
  rendered: readonly KubeadmComparison[],
  seed: number,
): string {
  return [
    "# Compared with Kubernetes itself",
    "",
    `Made by \`npm run oracles -- --seed ${seed} --write\`.`,
    ...(judged.length === 0 ? [] : formatJudged(judged)),
    ...(rendered.length === 0 ? [] : formatRendered(rendered)),
    "",
  ].join("\n");
}

function formatJudged(judged: readonly Comparison[]): string[] {
  const heading = [
    "Kubernetes",
    "configurations",
    "accepted by both",
    "false accepts",
    "false rejects",
    "other fields",
    "other bytes",
    "exceptions",
  ];
  const rows = judged.map(({ minor, compared, accepted, differences, excepted }) => [
    releaseOf(minor),
    compared,
    accepted,
    ...kinds.map((kind) => differences.filter((difference) => difference.kind === kind).length),
    excepted,
  ]);
  return [
    "",
    "## Configurations",
    "",
    "Generated configurations, judged by this project's `validate` and by Kubernetes' own decoding, defaulting and validation.",
    "_False accepts_ and _false rejects_ got different verdicts; _other fields_ were refused by both, but for different fields;",
    "_other bytes_ could be decoded, but are written differently than by kubeadm's encoder. _Exceptions_ are different on",
    "purpose: `oracles/exceptions.ts` says which, and why.",
    "",
    ...table([heading, ...rows]),
    ...judged.flatMap(({ minor, differences }) =>
      differences.map(({ kind, configuration, ours, theirs }) =>
        [
          "",
          `1.${minor}, ${kind}:`,
          "",
          ...fenced(configuration),
          "",
          `- ours: ${ours}`,
          `- Kubernetes: ${theirs}`,
        ].join("\n"),
      ),
    ),
  ];
}

function formatRendered(rendered: readonly KubeadmComparison[]): string[] {
  return [
    "",
    "## Objects",
    "",
    "Generated files for `kubeadm init phase addon kube-proxy --dry-run`: the six objects that kubeadm would send, and those that",
    "this project renders.",
    "",
    ...table([
      ["Kubernetes", "files", "different"],
      ...rendered.map(({ minor, compared, differences }) => [releaseOf(minor), compared, differences.length]),
    ]),
    ...rendered.flatMap(({ minor, differences }) =>
      differences.map(({ input, kinds: different }) =>
        ["", `1.${minor}, ${different.join(", ")}:`, "", ...fenced(input.config)].join("\n"),
      ),
    ),
  ];
}

function table([heading = [], ...rows]: readonly (readonly (string | number)[])[]): string[] {
  return [heading, heading.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
}

function fenced(yaml: string): string[] {
  return ["```yaml", yaml.trimEnd(), "```"];
}
