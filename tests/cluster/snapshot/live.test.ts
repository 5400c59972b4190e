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
