/** Immutable configurations on real nodes: there, on, back and away without a failed connection; a pod starts with what its template says. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { nodeCommand } from "../../lab/index.ts";
import { runOrFail } from "../../lab/tools.ts";
import { changesOf, eventually } from "../e2e/scenario.ts";
import { kept, node, useNodes } from "./nodes.ts";
import { skip } from "./requirements.ts";

suite("an immutable configuration", { skip, concurrency: 1 }, () => {
  const nodes = useNodes("immutable", "nftables");
  const changed = { ...nodes.configurationOf("nftables"), nftables: { syncPeriod: "20s" } };
  const isChanged = /syncPeriod: 20s/;

  /** What the node's kube-proxy has mounted. */
  const mounted = () => {
    const script = "set -- $(pidof kube-proxy); cat /proc/$1/root/var/lib/kube-proxy/config.conf";
    return runOrFail(nodeCommand(nodes.lab, node, ["sh", "-c", script]));
  };
  const mountedName = () =>
    nodes.scenario.cluster.kubectl([
      ...["get", "daemonset", "kube-proxy"],
      "-o=jsonpath={.spec.template.spec.volumes[?(@.name=='kube-proxy')].configMap.name}",
    ]);
  const assertQuiet = async () => {
    assert.deepEqual(changesOf(await nodes.scenario.stack.preview()), []);
  };

  test("each pod restarts once on the way there", async (t) => {
    await nodes.scenario.up();
    const old = await nodes.pods();
    await nodes.losesNothing(t, () => nodes.scenario.up({ immutableConfig: true }));
    assert.deepEqual(kept(old, await nodes.pods()), []);
    assert.match(await mountedName(), /^kube-proxy-[0-9a-f]{10}$/);
    await assertQuiet();
  });

  test("a pod that starts has what its template says, whatever ConfigMap kube-proxy holds by then", async () => {
    const read = await nodes.scenario.cluster.kubectl(["get", "configmap", "kube-proxy", "-o", "json"]);
    const { data } = JSON.parse(read) as { data: Record<string, string> };
    const other = (data["config.conf"] ?? "").replaceAll("syncPeriod: 0s", "syncPeriod: 20s");
    const patch = JSON.stringify({ data: { "config.conf": other } });
    await nodes.scenario.cluster.kubectl(["patch", "configmap", "kube-proxy", "--type=merge", "-p", patch]);
    const old = await nodes.pods();
    await nodes.scenario.cluster.kubectl([
      ...["delete", "pod", "-l", "k8s-app=kube-proxy", `--field-selector=spec.nodeName=${node}`],
    ]);
    await eventually("a new pod that runs", async () => {
      const now = await nodes.pods();
      return now.length === 2 && kept(old, now).length === 1 && (await mounted().catch(() => "")) !== "";
    });
    assert.doesNotMatch(await mounted(), isChanged);
    await nodes.scenario.up();
  });

  test("a changed one is mounted beside the old one, and configHash goes back to that in one rollout", async (t) => {
    const first = await mountedName();
    await nodes.losesNothing(t, () => nodes.scenario.up({ configuration: changed }));
    assert.match(await mounted(), isChanged);
    assert.notEqual(await mountedName(), first);
    const old = await nodes.pods();
    await nodes.losesNothing(t, () => nodes.scenario.up({ configHash: first.replace("kube-proxy-", "") }));
    assert.deepEqual(kept(old, await nodes.pods()), []);
    assert.equal(await mountedName(), first);
    assert.doesNotMatch(await mounted(), isChanged);
    await assertQuiet();
  });

  test("each pod restarts once on the way back, and nothing of it stays", async (t) => {
    const old = await nodes.pods();
    await nodes.losesNothing(t, () => nodes.scenario.up({ immutableConfig: false, configHash: "" }));
    assert.deepEqual(kept(old, await nodes.pods()), []);
    assert.equal(await mountedName(), "kube-proxy");
    const left = ["get", "configmaps", "-l", "kube-proxy/config=immutable", "-o", "name"];
    assert.equal(await nodes.scenario.cluster.kubectl(left), "");
    await assertQuiet();
  });
});
