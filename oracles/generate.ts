import fc from "fast-check";
import { fields } from "../components/configuration/fields.ts";
import { often, pick, scalarOf } from "./scalars.ts";

const header = ["apiVersion: kubeproxy.config.k8s.io/v1alpha1", "kind: KubeProxyConfiguration"];

/** A change that no field's own values make: of names, structure or the header. */
const changes: readonly ((lines: readonly string[]) => fc.Arbitrary<readonly string[]>)[] = [
  (lines) =>
    pick(
      "mod: ipvs",
      "nftable: {}",
      "iptables: null",
      "ipvs: []",
      "x: 1",
      "1: 2",
      "__proto__: {a: 1}",
      "Mode: ipvs",
    ).map((line) => [...lines, line]),
  (lines) =>
    fc.constantFrom(...lines.filter((line) => /^\w+: \S/.test(line))).map((line) => [...lines, line]),
  (lines) =>
    pick(
      "---",
      "...\nfoo",
      "# a comment",
      "",
      "\t",
      "? a\n: b",
      "a: &x 1\nb: *x",
      "<<: {mode: ipvs}",
      "mode: &m ipvs",
    ).map((line) => [...lines, line]),
  (lines) =>
    pick("kubeproxy.config.k8s.io/v1alpha2", "v1", '""').map((version) =>
      lines.map((line) => line.replace(/^apiVersion: .*/, `apiVersion: ${version}`)),
    ),
  (lines) =>
    pick("KubeletConfiguration", '""', "5").map((kind) =>
      lines.map((line) => line.replace(/^kind: .*/, `kind: ${kind}`)),
    ),
  (lines) => fc.constant(lines.slice(1)),
];

/**
 * Configurations of every shape as YAML text: valid for the most part, with one or a few fields that may not be, and
 * now and then a change of names or structure.
 *
 * @param minor - whose fields are taken; now and then one of another minor
 */
export function configurations(minor: number): fc.Arbitrary<string> {
  const known = fields.filter(({ since, until = Infinity }) => since <= minor && minor <= until);
  const chosen = fc.uniqueArray(often(fc.constantFrom(...known), fc.constantFrom(...fields)), {
    selector: ({ path }) => path,
    minLength: 1,
    maxLength: 8,
  });
  const tree = chosen.chain((list) =>
    fc
      .tuple(...list.map(scalarOf))
      .map((scalars) => list.map(({ path }, i) => [path, scalars[i] ?? ""] as const)),
  );
  const lines = tree.map((entries) => [...header, ...write(entries)]);
  return often(
    lines,
    lines.chain((all) => fc.constantFrom(...changes).chain((change) => change(all))),
  ).map((all) => `${all.join("\n")}\n`);
}

/** Fields by dotted path as block mappings, one section after the other. */
function write(entries: readonly (readonly [path: string, scalar: string])[]): string[] {
  const sections = new Map<string, [string, string][]>();
  const lines: string[] = [];
  for (const [path, scalar] of entries) {
    const dot = path.indexOf(".");
    if (dot === -1) {
      lines.push(`${path}: ${scalar}`);
    } else {
      const name = path.slice(0, dot);
      sections.set(name, [...(sections.get(name) ?? []), [path.slice(dot + 1), scalar]]);
    }
  }
  for (const [name, inner] of sections) {
    lines.push(
      `${name}:`,
      ...write(inner)
        .flatMap((text) => text.split("\n"))
        .map((line) => `  ${line}`),
    );
  }
  return lines;
}
