/** A stack whose commands an earlier version has left in the state, in its own words. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { testNamespace } from "../../components/plan/testNamespace.ts";
import type { StateResource } from "../engine/index.ts";
import { changesOf, type Scenario } from "./scenario.ts";
import { useLab } from "./useLab.ts";

/** What the last argument was, by the operation that it is now. */
const former: Readonly<Record<string, string>> = {
  snapshot: "--if-any",
  layout: "--apply",
  "make-test-namespace": "--make",
  "remove-test-namespace": "--remove",
  "test-service": "--lifetime=24h",
  verify: "--deadline=5m",
  "remove-orphans": "--all",
  "clear-rules": "--all",
  "compare-cluster": "--compare",
  "do-nothing": "--noop",
};

/** Everything that a command may be run with, as it was; the last argument has been among those before it since. */
function asItWas<T extends Record<string, unknown>>(props: T): T {
  const moved = new Set(Object.values(former));
  const before = props["interpreter"] as string[] | undefined;
  const operations = ["create", "update", "delete"]
    .filter((key) => props[key] !== undefined)
    .map((key) => [key, former[String(props[key])] ?? assert.fail(`${key}: ${String(props[key])}`)]);
  return {
    ...props,
    ...(before && { interpreter: before.filter((argument) => !moved.has(argument)) }),
    ...(Object.fromEntries(operations) as object),
  };
}

const older = (resources: StateResource[]): StateResource[] =>
  resources.map((resource) =>
    resource.type === "command:local:Command"
      ? { ...resource, inputs: asItWas(resource.inputs ?? {}), outputs: asItWas(resource.outputs ?? {}) }
      : resource,
  );

suite("a state of an earlier version", () => {
  const at = useLab({ name: "e2e-older-state", nodes: 2 });
  let scenario: Scenario;
  let folder: string;
  before(async () => {
    folder = join(at.lab.dir, "snapshots");
    scenario = await at.open({ snapshotFolder: folder });
    await scenario.up();
  });

  const snapshots = () => readdirSync(folder, { recursive: true }).length;

  test("has its commands written anew by the next up, which runs nothing of them that changes anything", async () => {
    await scenario.up({ restart: "once" });
    await scenario.stack.editState(older);
    const [untouched, taken] = [await scenario.cluster.fingerprint(), snapshots()];
    const result = await scenario.up();
    assert.ok(changesOf(result).includes("update kube-proxy-verify"), result.output);
    assert.deepEqual(
      changesOf(result).filter((change) => !/^update kube-proxy-[a-z-]+$/.test(change)),
      [],
    );
    assert.deepEqual(await scenario.cluster.fingerprint(), untouched);
    assert.equal(snapshots(), taken);
    assert.deepEqual(changesOf(await scenario.stack.preview()), []);
  });

  test("is destroyed as ever: no pod stays, and no namespace of this program's", async () => {
    await scenario.stack.editState(older);
    await scenario.destroy();
    assert.deepEqual(await scenario.cluster.fingerprint(), []);
    assert.deepEqual(await scenario.cluster.pods(), []);
    // The lab has nobody who ends a namespace.
    const ending = [
      "get",
      "namespace",
      testNamespace,
      "--ignore-not-found",
      "-o",
      "jsonpath={.status.phase}",
    ];
    assert.match(await scenario.cluster.kubectl(ending), /^(Terminating)?$/);
  });
});
