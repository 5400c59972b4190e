/** Every field that the API server knows of a DaemonSet's spec, written by somebody: named, and taken back. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { formatPath, type Path, valueAt } from "../../components/adoption/differences.ts";
import { driftOf } from "../../components/plan/drift.ts";
import { type Plain, planOf } from "../../components/plan/plan.ts";
import { editsOf, withEdit } from "../adoption/schema.ts";
import { factsAfter } from "./facts.ts";

const plain: Plain = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" };
const nodes = [{ name: "a", labels: { "kubernetes.io/os": "linux" }, taints: [], ready: "True" }];
const after = factsAfter(plain, nodes);
const [wave] = planOf(plain, after).waves;
const object = {
  kind: "DaemonSet",
  metadata: { name: "kube-proxy" },
  spec: structuredClone(wave.daemonSet.spec) as Record<string, unknown>,
};

/** What the provider's own diff shows and puts right, since the program says it; and what nobody can change. */
const byTheProvider: readonly Path[] = [
  ["spec", "updateStrategy", "type"],
  ["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"],
  ["spec", "selector"],
];

/** What the API server, or whoever reads it, takes for the same as nothing. */
const isNothing = (value: unknown) =>
  value === "" ||
  value === false ||
  value === 0 ||
  (typeof value === "object" && Object.keys(value ?? {}).length === 0);

suite("one field of a DaemonSet's spec, written by somebody", () => {
  const edits = editsOf(object).filter(
    ({ path }) => path[0] === "spec" && !byTheProvider.some((one) => one.every((key, i) => path[i] === key)),
  );
  const driftAfter = (edit: (typeof edits)[number], isWritten: boolean) => {
    const { spec } = withEdit(object, edit);
    const written = isWritten ? { written: [formatPath(edit.path)] } : {};
    const daemonSets = after.daemonSets.map((one) => ({ ...one, generation: 2, spec, ...written }));
    return driftOf(wave, { ...after, daemonSets });
  };

  test("is a drift that names it", () => {
    const unseen = edits.filter((edit) => {
      const isSame = isDeepStrictEqual(valueAt(object, edit.path), edit.value);
      return !isSame && !isNothing(edit.value) && driftAfter(edit, true) === undefined;
    });
    assert.ok(edits.length > 1000, `${edits.length} fields`);
    assert.deepEqual(
      unseen.map(({ path, value }) => `${formatPath(path)} = ${JSON.stringify(value)}`),
      [],
    );
  });

  test("is none where it is there and nobody has written it, as what a new release fills in", () => {
    // It fills in no items of lists.
    const added = edits.filter(
      ({ path }) => valueAt(object, path) === undefined && typeof path.at(-1) === "string",
    );
    const taken = added.filter(
      (edit) =>
        valueAt(object, edit.path.slice(0, -1)) !== undefined && driftAfter(edit, false) !== undefined,
    );
    assert.deepEqual(
      taken.map(({ path }) => formatPath(path)),
      [],
    );
  });
});
