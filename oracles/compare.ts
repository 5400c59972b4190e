import fc from "fast-check";
import { checkConfiguration } from "../components/configuration/check.ts";
import { readYaml } from "../components/configuration/readYaml.ts";
import { renderConfiguration, Unset } from "../components/configuration/render.ts";
import type { KubeProxyConfiguration } from "../components/configuration/types.ts";
import type { Problem } from "../components/input/problems.ts";
import { exceptions } from "./exceptions.ts";
import { configurations } from "./generate.ts";
import { judge, type Verdict } from "./judge.ts";

/** A configuration on which this project and Kubernetes differ. */
export interface Difference {
  readonly kind: "falseAccept" | "falseReject" | "otherFields" | "otherBytes";
  readonly configuration: string;
  readonly ours: string;
  readonly theirs: string;
}

/** The outcome of one minor's comparison. */
export interface Comparison {
  readonly minor: number;
  readonly compared: number;
  /** Of them accepted by both. */
  readonly accepted: number;
  /** Differences that `exceptions.ts` lists. */
  readonly excepted: number;
  readonly differences: readonly Difference[];
}

/** Throws generated configurations at this project and at a minor's judge. */
export async function compareWithJudge(
  path: string,
  minor: number,
  count: number,
  seed: number,
): Promise<Comparison> {
  const texts = fc.sample(configurations(minor), { numRuns: count, seed });
  const verdicts = await judge(path, texts);
  const outcomes = texts.map((text, i) => compareOne(text, verdicts[i] ?? {}, minor));
  const found = outcomes.flatMap(({ difference }) => difference ?? []);
  const differences = found.filter(
    ({ configuration }) => !exceptions.some(({ test }) => test(configuration)),
  );
  return {
    minor,
    compared: count,
    accepted: outcomes.filter(({ accepted }) => accepted).length,
    excepted: found.length - differences.length,
    differences,
  };
}

interface Outcome {
  readonly accepted: boolean;
  readonly difference?: Difference;
}

function compareOne(configuration: string, verdict: Verdict, minor: number): Outcome {
  const problems = problemsOf(configuration, minor);
  const ours = problems.map(({ path, accepted }) => `${path}: ${accepted}`);
  const theirs = [
    ...(verdict.fatal === undefined ? [] : [verdict.fatal]),
    ...(verdict.strict ?? []),
    ...(verdict.invalid ?? []).map(({ field, text }) => `${field}: ${text}`),
  ];
  const told = { configuration, ours: ours.join("; "), theirs: theirs.join("; ") };
  const accepted = ours.length === 0 && theirs.length === 0;
  if (!accepted && (ours.length === 0 || theirs.length === 0)) {
    return { accepted, difference: { kind: ours.length === 0 ? "falseAccept" : "falseReject", ...told } };
  }
  const [ourFields, theirFields] = [
    namesOf(problems.map(({ path }) => path)),
    namesOf((verdict.invalid ?? []).map(({ field }) => field)),
  ];
  // Before validation Go tells the first problem only, and may not have decoded the rest.
  if (verdict.fatal !== undefined || verdict.strict !== undefined) {
    return { accepted };
  }
  if (ourFields !== theirFields) {
    return { accepted, difference: { kind: "otherFields", ...told } };
  }
  const written = writtenBy(configuration, minor);
  return written === verdict.written
    ? { accepted }
    : {
        accepted,
        difference: { kind: "otherBytes", configuration, ...otherLines(written, verdict.written ?? "") },
      };
}

function otherLines(ours: string, theirs: string): Pick<Difference, "ours" | "theirs"> {
  const [left, right] = [ours.split("\n"), theirs.split("\n")];
  return {
    ours: left.filter((line) => !right.includes(line)).join("\n"),
    theirs: right.filter((line) => !left.includes(line)).join("\n"),
  };
}

function problemsOf(text: string, minor: number): readonly Pick<Problem, "path" | "accepted">[] {
  const [document] = readYaml(text);
  if (document?.error !== undefined) {
    return [{ path: "", accepted: document.error }];
  }
  const value = document?.value;
  const header = ["apiVersion", "kind"].filter(
    (key) => typeof value !== "object" || value === null || !Object.hasOwn(value, key),
  );
  return [
    ...header.map((path) => ({ path, accepted: "is required" })),
    ...(document?.duplicates ?? []).map((path) => ({ path, accepted: "is given twice" })),
    ...checkConfiguration(value, minor, ""),
  ];
}

/** Go's names of the fields where they are not those of v1alpha1. */
const goNames: Readonly<Record<string, string>> = {
  clustercidrs: "clustercidr",
  interfacename: "bridgeinterface",
  interfaceprefix: "interfacenameprefix",
  proxymode: "mode",
};

/** The last names of fields' paths, each once and sorted, without case and index. */
function namesOf(paths: readonly string[]): string {
  const names = paths.map(
    (path) =>
      path
        .split(".")
        .at(-1)
        ?.replace(/\[\d+\]$/, "")
        .toLowerCase() ?? "",
  );
  return [...new Set(names.map((name) => goNames[name] ?? name))].sort().join(", ");
}

function writtenBy(text: string, minor: number): string {
  const value = readYaml(text)[0]?.value as KubeProxyConfiguration;
  return `${renderConfiguration(value, minor, Unset.zero)}\n`;
}
