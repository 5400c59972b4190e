/** What a snapshot reads of a cluster. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type Live, readLive } from "../../../components/cluster/snapshot/live.ts";
import { reply, withApiServer } from "../apiServer.ts";

/** Reads a cluster that has nothing but namespace kube-system. */
function readCluster(uid: unknown): Promise<Live> {
  return withApiServer(
    ({ url = "" }, response) => {
      const lists = { items: [] };
      reply(
        response,
        url === "/api/v1/namespaces/kube-system"
          ? { metadata: { name: "kube-system", uid } }
          : url.includes("?")
            ? lists
            : undefined,
      );
    },
    (config) => readLive(config),
  );
}

suite("the live objects", () => {
  test("are those of the cluster that the UID of its namespace tells", async () => {
    const uid = "128c1bc5-1fb6-4ee6-b200-142a8986db5c";
    assert.deepEqual(await readCluster(uid), { cluster: uid, objects: [] });
  });

  test("are refused where that UID, which names a folder, could lead elsewhere or is none", async () => {
    for (const uid of ["../../.ssh", "a/b", "..", ".", "a\\b", "a\nb", "", undefined]) {
      await assert.rejects(
        readCluster(uid),
        /Namespace kube-system: has no UID by which to tell the cluster/,
      );
    }
    for (const uid of [7, ["a"]]) {
      await assert.rejects(readCluster(uid), /metadata\.uid/);
    }
  });
});

suite("the ConfigMap that a DaemonSet mounts", () => {
  const named = (kind: string, name: string, more: object = {}) => ({
    ...{
      apiVersion: kind === "DaemonSet" ? "apps/v1" : "v1",
      kind,
      metadata: { name, namespace: "kube-system" },
    },
    ...more,
  });
  const base = "/api/v1/namespaces/kube-system";
  const mounting = (configMap: string) => {
    const volumes = [{ name: "kube-proxy", configMap: { name: configMap } }];
    const template = { metadata: {}, spec: { containers: [], volumes } };
    return named("DaemonSet", "kube-proxy", { spec: { template }, status: { desiredNumberScheduled: 0 } });
  };
  /** What is read of a cluster whose DaemonSet mounts this, and what was asked for. */
  async function read(configMap: string) {
    const asked: string[] = [];
    const there: Record<string, object> = {
      [base]: { metadata: { name: "kube-system", uid: "1" } },
      "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy": mounting(configMap),
      [`${base}/configmaps/kube-proxy`]: named("ConfigMap", "kube-proxy"),
      [`${base}/configmaps/kube-proxy-0123456789`]: named("ConfigMap", "kube-proxy-0123456789"),
    };
    const { objects } = await withApiServer(
      ({ url = "" }, response) => {
        asked.push(url);
        reply(response, there[url] ?? (url.includes("?") ? { items: [] } : undefined));
      },
      (config) => readLive(config),
    );
    return { asked, names: objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`) };
  }

  test("is read as well, and comes before it; kubeadm's takes no request more", async () => {
    const [own, immutable] = [await read("kube-proxy"), await read("kube-proxy-0123456789")];
    assert.deepEqual(own.names, ["ConfigMap kube-proxy", "DaemonSet kube-proxy"]);
    assert.deepEqual(immutable.names, [
      "ConfigMap kube-proxy",
      "ConfigMap kube-proxy-0123456789",
      "DaemonSet kube-proxy",
    ]);
    assert.equal(immutable.asked.length, own.asked.length + 1);
  });

  test("is not, where a snapshot could not be read back with it", async () => {
    assert.deepEqual((await read("secrets-of-others")).names, [
      "ConfigMap kube-proxy",
      "DaemonSet kube-proxy",
    ]);
  });
});
