import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { KubeProxy, type KubeProxyArgs } from "../../components/index.ts";
import { named, type Registration, registrationsOf } from "./registration.ts";

const args: KubeProxyArgs = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" };
const declare = (more: Partial<KubeProxyArgs>) =>
  registrationsOf(() => new KubeProxy("kube-proxy", { ...args, ...more }));

/** Names of all that has to be there before a child is made, and is deleted after it. */
function basisOf(registrations: readonly Registration[], child: string): Set<string> {
  const seen = new Set<string>();
  const open = [child];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const urn of named(registrations, next).dependencies) {
      const name = urn.split("::kube-proxy-").at(-1) ?? "";
      if (!seen.has(name)) open.push(name);
      seen.add(name);
    }
  }
  return seen;
}

suite("the namespace of the test Services", () => {
  test("is there before the first of them is made, and until the last has been asked for", async () => {
    const registrations = await declare({ restartNodes: { nodes: ["node-1"] } });
    for (const child of ["test-service", "verify", "restart-nodes"]) {
      assert.ok(basisOf(registrations, child).has("test-namespace"), child);
    }
    const { inputs } = named(registrations, "test-namespace");
    assert.deepEqual(
      [inputs["create"], inputs["update"], inputs["delete"]],
      ["make-test-namespace", "make-test-namespace", "remove-test-namespace"],
    );
  });

  test("is made where something asks for Services, and else not", async () => {
    const makes = async (more: Partial<KubeProxyArgs>) =>
      (await declare(more)).some(({ name }) => name === "kube-proxy-test-namespace");
    assert.ok(!(await makes({ verify: false })));
    assert.ok(!(await makes({ running: false })));
    assert.ok(await makes({ verify: false, restartNodes: { nodes: ["node-1"] } }));
  });
});
