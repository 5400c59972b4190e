import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { suite, test } from "node:test";
import { KubeConfig } from "@kubernetes/client-node";
import { removeLeftover } from "../../components/cluster/leftover.ts";
import { restartAnnotation } from "../../components/restart/restart.ts";

const mine = "organization/kube-proxy/mine";

function daemonSet(owner: string | undefined) {
  const annotations = { [restartAnnotation]: "initial", ...(owner && { "kube-proxy/owner": owner }) };
  const managedFields = [{ manager: "pulumi-kubernetes", operation: "Update" }];
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "kube-proxy", namespace: "kube-system", uid: "1", annotations, managedFields },
    spec: { template: { metadata: {} } },
    status: {},
  };
}

/** Whether a DaemonSet in the cluster is deleted before this stack creates its own. */
async function isRemoved(found: object): Promise<boolean> {
  let there = true;
  const server = createServer((request, response) => {
    response.writeHead(there ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(found));
    there &&= request.method !== "DELETE";
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const config = new KubeConfig();
  const { port } = server.address() as AddressInfo;
  config.loadFromClusterAndUser(
    { name: "fake", server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: "fake" },
  );
  try {
    await removeLeftover(config, daemonSet(mine));
    return !there;
  } finally {
    server.close();
  }
}

suite("a DaemonSet in the way of a create", () => {
  test("is what an interrupted create of this stack has left, and goes", async () => {
    assert.equal(await isRemoved(daemonSet(mine)), true);
    assert.equal(await isRemoved(daemonSet(undefined)), true);
  });

  test("stays when another stack has made it", async () => {
    assert.equal(await isRemoved(daemonSet("organization/kube-proxy/other")), false);
  });
});
