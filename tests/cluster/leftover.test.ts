import assert from "node:assert/strict";
import { json } from "node:stream/consumers";
import { suite, test } from "node:test";
import { removeLeftover } from "../../components/cluster/leftover.ts";
import { restartAnnotation } from "../../components/restart/restart.ts";
import { reply, withApiServer } from "./apiServer.ts";

const mine = "organization/kube-proxy/mine";

function daemonSet(owner: string | undefined, uid = "1") {
  const annotations = { [restartAnnotation]: "initial", ...(owner && { "kube-proxy/owner": owner }) };
  const managedFields = [{ manager: "pulumi-kubernetes", operation: "Update" }];
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "kube-proxy", namespace: "kube-system", uid, annotations, managedFields },
    spec: { template: { metadata: {} } },
    status: {},
  };
}

type DaemonSet = ReturnType<typeof daemonSet>;

/**
 * Whether a DaemonSet in the cluster is deleted before this stack creates its own.
 *
 * @param meanwhile - what is in its place by the time that it is to be deleted
 */
function isRemoved(found: DaemonSet, meanwhile = found): Promise<boolean> {
  let there: DaemonSet | undefined = found;
  return withApiServer(
    (request, response) => {
      if (request.method !== "DELETE") {
        reply(response, there);
        there &&= meanwhile;
        return;
      }
      void json(request).then((body) => {
        const { preconditions } = body as { preconditions?: { uid?: string } };
        if (preconditions?.uid !== undefined && preconditions.uid !== there?.metadata.uid) {
          reply(
            response,
            { kind: "Status", message: "the UID in the precondition is not that of the record" },
            409,
          );
        } else {
          there = undefined;
          reply(response, {});
        }
      });
    },
    async (config) => {
      await removeLeftover(config, daemonSet(mine));
      return there === undefined;
    },
  );
}

suite("a DaemonSet in the way of a create", () => {
  test("is what an interrupted create of this stack has left, and goes", async () => {
    assert.equal(await isRemoved(daemonSet(mine)), true);
    assert.equal(await isRemoved(daemonSet(undefined)), true);
  });

  test("stays when another stack has made it", async () => {
    assert.equal(await isRemoved(daemonSet("organization/kube-proxy/other")), false);
  });

  test("stays when somebody has put another one in its place since it was looked at", async () => {
    await assert.rejects(isRemoved(daemonSet(mine), daemonSet(mine, "2")), /409 the UID in the precondition/);
  });
});

suite("an immutable ConfigMap in the way of a create", () => {
  const named = (labels: object, managers: string[] = []) => ({
    ...{ apiVersion: "v1", kind: "ConfigMap", data: {} },
    metadata: {
      ...{ name: "kube-proxy-0123456789", namespace: "kube-system", uid: "1", labels },
      managedFields: managers.map((manager) => ({ manager, operation: "Update" })),
    },
  });
  const immutable = { "kube-proxy/config": "immutable" };
  const outcome = (found: ReturnType<typeof named>) => {
    let there: object | undefined = found;
    return withApiServer(
      ({ method, url = "" }, response) => {
        if (method === "DELETE") there = undefined;
        reply(response, method === "DELETE" ? {} : url.includes("?") ? { items: [] } : there);
      },
      (config) => removeLeftover(config, named(immutable)),
    );
  };

  test("goes, whoever has made it: the one that comes has what its name says", async () => {
    assert.equal(await outcome(named(immutable, ["kubectl-restore-kube-proxy"])), "removed");
  });

  test("stays when it is something else by that name", async () => {
    assert.equal(await outcome(named({}, ["kubectl-create"])), "stays");
  });
});
