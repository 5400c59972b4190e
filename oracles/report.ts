import { releaseOf } from "./build.ts";
import type { Comparison, Difference } from "./compare.ts";

const kinds: readonly Difference["kind"][] = ["falseAccept", "falseReject", "otherFields", "otherBytes"];

/** The comparisons as a page: a table, and what differed. */
export function formatReport(comparisons: readonly Comparison[], seed: number): string {
  const rows = comparisons.map((comparison) => [
    releaseOf(comparison.minor),
    comparison.compared,
    comparison.accepted,
    ...kinds.map((kind) => comparison.differences.filter((difference) => difference.kind === kind).length),
    comparison.excepted,
  ]);
  const heading = [
    "Kubernetes",
    "compared",
    "accepted by both",
    "false accepts",
    "false rejects",
    "other fields",
    "other bytes",
    "exceptions",
  ];
  return [
    "# Compared with Kubernetes' own validation",
    "",
    `Made by \`npm run oracles -- --seed ${seed} --write\`. Each configuration is judged by this project's \`validate\` and by`,
    "Kubernetes' own decoding, defaulting and validation of that release. _False accepts_ and _false rejects_ are",
    "configurations with different verdicts; _other fields_ were refused by both, but for different fields; _other bytes_ were",
    "accepted by both, but written differently than by kubeadm's encoder. `exceptions.ts` lists what is left out, and why.",
    "",
    ...[heading, heading.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`),
    ...comparisons.flatMap(({ minor, differences }) =>
      differences.map((difference) => formatDifference(minor, difference)),
    ),
    "",
  ].join("\n");
}

function formatDifference(minor: number, { kind, configuration, ours, theirs }: Difference): string {
  return [
    "",
    `1.${minor}, ${kind}:`,
    "",
    "```yaml",
    configuration.trimEnd(),
    "```",
    "",
    `- ours: ${ours}`,
    `- Kubernetes: ${theirs}`,
  ].join("\n");
}
