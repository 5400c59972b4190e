/** Within a cluster, once with an API server that looks at what it is shown. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { parse } from "yaml";
import type { ClusterFacts } from "../../../components/facts/facts.ts";
import { kubectl } from "../../../lab/index.ts";
import { useLab } from "../../e2e/useLab.ts";
import { noPods, type Pod, runInPod } from "./pod.ts";

const account = "kube-system:operator-in-a-pod";
const [namespace = "", name = ""] = account.split(":");
const command = (file: string) => join(import.meta.dirname, "..", "..", "..", "commands", file);

suite("by the ServiceAccount of a pod", { skip: noPods }, () => {
  const at = useLab({ name: "cluster-pod", nodes: 2, kubeadm: true });
  let pod: Pod;
  const run = async (args: string[]) => {
    const { code, stdout, stderr } = await kubectl(at.lab, args);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  before(async () => {
    await run(["create", "serviceaccount", name, "-n", namespace]);
    const binding = ["clusterrolebinding", name, "--clusterrole=cluster-admin"];
    await run(["create", ...binding, `--serviceaccount=${account}`]);
    const { clusters } = parse(readFileSync(at.lab.kubeconfig, "utf8")) as {
      clusters: { cluster: { server: string; "certificate-authority-data": string } }[];
    };
    const { server = "", "certificate-authority-data": authority = "" } = clusters[0]?.cluster ?? {};
    const { hostname, port } = new URL(server);
    pod = {
      files: {
        "ca.crt": Buffer.from(authority, "base64").toString(),
        token: (await run(["create", "token", name, "-n", namespace])).trim(),
      },
      env: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
    };
  });

  test("the facts are read", async () => {
    const { code, stdout, stderr } = await runInPod(pod, [command("facts.ts")]);
    assert.equal(code, 0, stderr);
    const facts = JSON.parse(stdout) as ClusterFacts;
    assert.equal(facts.unread, undefined);
    assert.deepEqual([facts.nodes.length, facts.daemonSets.length, facts.context], [2, 1, undefined]);
  });

  test("every kube-proxy is asked through a port-forward, and for a Service that is made for that", async () => {
    const { code, stdout, stderr } = await runInPod(pod, [command("doctor.ts"), "--json"]);
    assert.equal(code, 0, stdout + stderr);
    assert.equal((JSON.parse(stdout) as { ok: boolean }).ok, true);
  });

  test("a token that the API server does not know is refused", async () => {
    const files = { ...pod.files, token: "nobodys" };
    const { code, stderr } = await runInPod({ ...pod, files }, [command("facts.ts")]);
    assert.equal(code, 1);
    assert.match(stderr, /the API server said: 401 Unauthorized/);
    assert.doesNotMatch(stderr, /nobodys/);
  });
});
