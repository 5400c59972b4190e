import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { changesOf, type Scenario } from "./scenario.ts";
import { useLab } from "./useLab.ts";

const nodes = 20;

/** The only DaemonSet among a stack's outputs. */
function stateOf(outputs: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const [state, ...others] = outputs["daemonSets"] as Record<string, unknown>[];
  assert.ok(state);
  assert.deepEqual(others, []);
  return state;
}

suite("the life of a kube-proxy", () => {
  const lab = useLab({ name: "e2e-lifecycle", nodes });
  let scenario: Scenario;
  before(async () => {
    scenario = await lab.open();
  });

  const podUids = async () => (await scenario.cluster.pods()).map(({ metadata }) => metadata.uid).sort();
  const liveDaemonSet = async () => {
    const daemonSet = await scenario.cluster.daemonSet();
    assert.ok(daemonSet, "there is no DaemonSet kube-proxy");
    return daemonSet;
  };

  test("a preview of the first up plans six objects and creates none", async () => {
    const preview = await scenario.stack.preview();
    assert.ok(preview.ok, preview.output);
    const created = preview.steps.filter(({ op, type }) => op === "create" && type.startsWith("kubernetes:"));
    assert.equal(created.length, 6);
    assert.deepEqual(await scenario.cluster.fingerprint(), []);
  });

  test("up provisions: every node has a ready pod when it ends", async () => {
    const { outputs } = await scenario.up();
    const { metadata, status } = await liveDaemonSet();
    assert.equal(status.numberAvailable, nodes);
    const state = stateOf(outputs);
    assert.equal(state["name"], "kube-proxy");
    assert.equal(state["uid"], metadata.uid);
    assert.equal(state["image"], "registry.k8s.io/kube-proxy:v1.37.2");
    assert.equal(outputs["restart"], "initial");
    const pods = await scenario.cluster.pods();
    assert.equal(new Set(pods.map(({ spec }) => spec.nodeName)).size, nodes);
    assert.deepEqual(
      [...new Set(pods.map((pod) => pod.metadata.annotations?.["kube-proxy/config-hash"]))],
      [state["configHash"]],
    );
  });

  test("an unchanged preview and an unchanged up do nothing", async () => {
    const [objects, pods] = [await scenario.cluster.fingerprint(), await podUids()];
    const preview = await scenario.stack.preview();
    assert.deepEqual(changesOf(preview), [], preview.output);
    assert.deepEqual(changesOf(await scenario.up()), []);
    assert.deepEqual(await scenario.cluster.fingerprint(), objects);
    assert.deepEqual(await podUids(), pods);
  });

  test("a new token replaces: deleted, created, awaited; new UID, every pod new", async () => {
    const [old, oldPods] = [await liveDaemonSet(), await podUids()];
    await scenario.stack.setConfig({ restart: "first" });
    const preview = await scenario.stack.preview();
    assert.ok(
      changesOf(preview).some((change) => change === "replace kube-proxy-daemon-set"),
      preview.output,
    );
    assert.equal((await liveDaemonSet()).metadata.uid, old.metadata.uid);

    const result = await scenario.up();
    const order = changesOf(result).filter((change) => change.endsWith("kube-proxy-daemon-set"));
    assert.ok(
      order.indexOf("delete-replaced kube-proxy-daemon-set") >= 0 &&
        order.indexOf("delete-replaced kube-proxy-daemon-set") <
          order.indexOf("create-replacement kube-proxy-daemon-set"),
      result.output,
    );
    const { metadata, status } = await liveDaemonSet();
    assert.notEqual(metadata.uid, old.metadata.uid);
    assert.equal(metadata.annotations?.["kube-proxy/restart"], "first");
    assert.equal(status.numberAvailable, nodes, "up waited for every pod");
    const pods = await podUids();
    assert.equal(pods.length, nodes);
    assert.deepEqual(
      pods.filter((uid) => oldPods.includes(uid)),
      [],
    );
    assert.equal(result.outputs["restart"], "first");
  });

  test("the same token again does nothing", async () => {
    const pods = await podUids();
    assert.deepEqual(changesOf(await scenario.up({ restart: "first" })), []);
    assert.deepEqual(await podUids(), pods);
  });

  test("a changed configuration rolls the pods in place", async () => {
    const [old, oldPods] = [await liveDaemonSet(), await podUids()];
    const result = await scenario.up({ configuration: { mode: "nftables" } });
    assert.deepEqual(
      changesOf(result).filter((change) => !/^update |-(snapshot|test-service|verify|rules)$/.test(change)),
      [],
      "nothing is replaced, the ConfigMap neither",
    );
    const { metadata, status } = await liveDaemonSet();
    assert.equal(metadata.uid, old.metadata.uid);
    assert.equal(metadata.generation, old.metadata.generation + 1);
    assert.equal(status.updatedNumberScheduled, nodes);
    const pods = await scenario.cluster.pods();
    assert.deepEqual(
      pods.filter((pod) => oldPods.includes(pod.metadata.uid)),
      [],
    );
    assert.ok(
      pods.every(
        (pod) =>
          pod.metadata.annotations?.["kube-proxy/config-hash"] === stateOf(result.outputs)["configHash"],
      ),
    );
    const config = await scenario.cluster.kubectl([
      "get",
      "configmap",
      "kube-proxy",
      "-o",
      "jsonpath={.data.config\\.conf}",
    ]);
    assert.match(config, /^mode: nftables$/m);
  });

  test("a changed image rolls the pods in place", async () => {
    const old = await liveDaemonSet();
    await scenario.up({ image: "registry.example.com/kube-proxy:mine" });
    const { metadata, spec, status } = await liveDaemonSet();
    assert.equal(metadata.uid, old.metadata.uid);
    assert.equal(spec.template.spec.containers[0]?.image, "registry.example.com/kube-proxy:mine");
    assert.equal(status.updatedNumberScheduled, nodes);
  });

  test("an edit by kubectl is seen by the next preview and repaired by the next up", async () => {
    const edit = { spec: { template: { spec: { tolerations: [] } } } };
    await scenario.cluster.kubectl([
      "patch",
      "daemonset",
      "kube-proxy",
      "--patch",
      JSON.stringify(edit),
      "--type=merge",
    ]);
    const { steps, output } = await scenario.stack.preview();
    assert.ok(
      steps.some(({ op, name }) => op === "update" && name === "kube-proxy-daemon-set"),
      output,
    );
    await scenario.up();
    const tolerations = await scenario.cluster.kubectl([
      "get",
      "daemonset",
      "kube-proxy",
      "-o",
      "jsonpath={.spec.template.spec.tolerations}",
    ]);
    assert.deepEqual(JSON.parse(tolerations), [{ operator: "Exists" }]);
    assert.deepEqual(changesOf(await scenario.stack.preview()), []);
  });

  test("what others add beside our fields stays, and is no difference", async () => {
    await scenario.cluster.kubectl(["annotate", "daemonset", "kube-proxy", "example.com/note=theirs"]);
    const preview = await scenario.stack.preview();
    assert.deepEqual(changesOf(preview), [], preview.output);
    await scenario.up();
    assert.equal((await liveDaemonSet()).metadata.annotations?.["example.com/note"], "theirs");
  });

  test("an own ClusterRole has the rules of the API server's own, and goes away again", async () => {
    await scenario.up({ clusterRole: "create" });
    const rules = async (name: string) =>
      (
        JSON.parse(await scenario.cluster.kubectl(["get", "clusterrole", name, "-o", "json"])) as {
          rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[];
        }
      ).rules
        .flatMap(({ apiGroups, resources, verbs }) =>
          apiGroups.flatMap((group) =>
            resources.flatMap((resource) => verbs.map((verb) => `${group}/${resource} ${verb}`)),
          ),
        )
        .sort();
    assert.deepEqual(await rules("kube-proxy:node-proxier"), await rules("system:node-proxier"));
    const binding = await scenario.cluster.kubectl([
      "get",
      "clusterrolebinding",
      "kubeadm:node-proxier",
      "-o",
      "jsonpath={.roleRef.name}",
    ]);
    assert.equal(binding, "kube-proxy:node-proxier");
    await scenario.up({ clusterRole: undefined });
    assert.doesNotMatch((await scenario.cluster.fingerprint()).join(), /ClusterRole kube-proxy/);
  });

  test("one that the engine is told to replace is proved as well", async () => {
    const { steps } = await scenario.up();
    const urn = steps.find(({ name }) => name === "kube-proxy-daemon-set")?.urn ?? "";
    const old = await liveDaemonSet();
    const { ok, output } = await scenario.stack.up(urn);
    assert.ok(ok, output);
    assert.notEqual((await liveDaemonSet()).metadata.uid, old.metadata.uid);
    assert.match(output, new RegExp(`${nodes} of ${nodes} nodes verified`));
    assert.deepEqual(changesOf(await scenario.stack.preview()), []);
  });

  test("destroy leaves nothing", async () => {
    const result = await scenario.stack.destroy();
    assert.ok(result.ok, result.output);
    assert.deepEqual(await scenario.cluster.fingerprint(), []);
    assert.deepEqual(await scenario.cluster.pods(), []);
    const namespaces = await scenario.cluster.kubectl(["get", "namespaces", "-o", "json"]);
    const { items } = JSON.parse(namespaces) as { items: { metadata: Record<string, string> }[] };
    const own = items.filter(({ metadata }) => metadata["name"] === "kube-proxy-test");
    assert.ok(
      own.every(({ metadata }) => metadata["deletionTimestamp"] !== undefined),
      "it is gone or about to be",
    );
  });
});
