/** Within a cluster: the ServiceAccount of the pod is who asks, where no kubeconfig says who does. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { stringify } from "yaml";
import { noPods, runInPod } from "./pod.ts";
import { certificate, endServers, startCluster } from "./servers.ts";

const folder = mkdtempSync(join(tmpdir(), "pod-test-"));
after(() => {
  endServers();
  rmSync(folder, { recursive: true });
});

const facts = join(import.meta.dirname, "..", "..", "..", "commands", "facts.ts");

/** Reads the facts as in a pod; gives who asked the cluster for them. */
async function ask(
  env: Record<string, string>,
  token = "of-the-pod",
): Promise<{ who: unknown[]; stderr: string }> {
  const cluster = await startCluster();
  const where = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(cluster.port) };
  const files = { "ca.crt": certificate.cert, token };
  const { stderr } = await runInPod({ files, env: { ...where, ...env } }, [facts]);
  return { who: [...new Set(cluster.asked.map(({ headers }) => headers.authorization))], stderr };
}

suite("within a cluster", { skip: noPods }, () => {
  test("the pod's ServiceAccount asks where there is no kubeconfig, or one without a context", async () => {
    const empty = join(folder, "empty");
    writeFileSync(empty, "# nothing\n");
    for (const env of [{}, { KUBECONFIG: join(folder, "missing") }, { KUBECONFIG: empty }]) {
      assert.deepEqual((await ask(env)).who, ["Bearer of-the-pod"]);
    }
    assert.deepEqual((await ask({}, "with-an-end-of-line\n")).who, ["Bearer with-an-end-of-line"]);
  });

  test("a kubeconfig that says a context counts", async () => {
    const KUBECONFIG = join(folder, "config");
    const cluster = { server: "https://127.0.0.1:6443", "insecure-skip-tls-verify": true };
    writeFileSync(
      KUBECONFIG,
      stringify({
        "current-context": "c",
        contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
        clusters: [{ name: "c", cluster: { ...cluster, "proxy-url": "http://127.0.0.1:1" } }],
        users: [{ name: "u", user: { token: "t" } }],
      }),
    );
    const { who, stderr } = await ask({ KUBECONFIG });
    assert.deepEqual(who, []);
    assert.match(stderr, /the proxy http:\/\/127\.0\.0\.1:1/);
  });

  test("a context that is asked for is in no ServiceAccount, and half of the address is none", async () => {
    for (const env of [
      { KUBE_PROXY_CONTEXT: "prod" },
      { KUBERNETES_SERVICE_PORT: "" },
      { KUBERNETES_SERVICE_HOST: "" },
    ]) {
      const { who, stderr } = await ask(env);
      assert.deepEqual(who, []);
      assert.match(stderr, /kubeconfig: is required: found none at/);
    }
  });
});
