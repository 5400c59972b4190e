import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { setFaults } from "../../lab/index.ts";
import { changesOf, isServing, type Scenario } from "./scenario.ts";
import { useLab } from "./useLab.ts";

const dead = "dead-node";

suite("nodes that are dead, or fail", () => {
  const lab = useLab({ name: "e2e-dead-node", nodes: 4 });
  let scenario: Scenario;
  before(async () => {
    scenario = await lab.open();
    await addDeadNode();
    await scenario.up();
  });

  const kubectl = (...args: string[]) => scenario.cluster.kubectl(args);

  /** A node whose kubelet is silent: nobody plays it. */
  async function addDeadNode(): Promise<void> {
    const labels = { "kubernetes.io/os": "linux", "kubernetes.io/hostname": dead };
    const node = { apiVersion: "v1", kind: "Node", metadata: { name: dead, labels } };
    await scenario.cluster.kubectl(["create", "-f", "-"], JSON.stringify(node));
    const now = new Date().toISOString();
    const condition = { type: "Ready", status: "Unknown", reason: "NodeStatusUnknown" };
    const patch = {
      status: { conditions: [{ ...condition, lastHeartbeatTime: now, lastTransitionTime: now }] },
    };
    await kubectl("patch", "node", dead, "--subresource=status", "-p", JSON.stringify(patch));
  }

  /** The restart token of each node's serving kube-proxy. */
  async function tokens(): Promise<Record<string, string | undefined>> {
    const pods = (await scenario.cluster.pods()).filter(isServing);
    return Object.fromEntries(
      pods.map(({ spec, metadata }) => [spec.nodeName, metadata.annotations?.["kube-proxy/restart"]]),
    );
  }

  test("one that is dead stops no restart: it is named, and has the new pod for when it is back", async () => {
    await scenario.stack.setConfig({ restart: "beside a dead node" });
    const preview = await scenario.stack.preview();
    assert.match(
      preview.output,
      /node-unreachable: Node dead-node: the kubelet does not answer: it is left out/,
    );
    const { output } = await scenario.up();
    assert.match(
      output,
      /dead-node .*excluded: the node is NotReady: NodeStatusUnknown; it was so before the change/,
    );
    assert.match(output, /4 of 4 nodes verified, 1 NotReady and excluded/);
    const rolled = await tokens();
    assert.equal(Object.values(rolled).filter((token) => token === "beside a dead node").length, 4);
    assert.notEqual(rolled[dead], "beside a dead node");
    // The provider's refresh looks for every node: as long as one is dead there is something to wait for, and no more.
    const before = await scenario.cluster.fingerprint();
    assert.deepEqual(changesOf(await scenario.stack.preview()), ["update kube-proxy-daemon-set"]);
    await scenario.up();
    assert.deepEqual(await scenario.cluster.fingerprint(), before);

    // Its new pod waits for it, with the same token.
    const all = await scenario.cluster.pods();
    assert.deepEqual(
      all.map(({ metadata }) => metadata.annotations?.["kube-proxy/restart"]),
      Array.from({ length: 5 }, () => "beside a dead node"),
    );
  });

  test("as many as maxFailed may fail; one more fails the update", async () => {
    setFaults(lab.lab, { "node-0003": "neverSynced" });
    const timeouts = { verify: "8s" };
    const { output } = await scenario.up({ restart: "with one that fails", maxFailed: "1", timeouts });
    assert.match(output, /node-0003 .*failed: it has never synced/);
    assert.match(output, /1 nodes have failed; maxFailed 1 allows 1\./);
    setFaults(lab.lab, { "node-0003": "neverSynced", "node-0004": "neverSynced" });
    await scenario.stack.setConfig({ restart: "with two that fail" });
    assert.ok(!(await scenario.stack.up()).ok);
    setFaults(lab.lab, {});
    await scenario.up({ timeouts: {}, maxFailed: "" });
  });
});
