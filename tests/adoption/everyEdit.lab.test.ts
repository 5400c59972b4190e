/** One edit at a time, as an API server takes it and fills it in: it is asked what it would make of each, and changes nothing. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { HttpMethod } from "@kubernetes/client-node";
import { withoutOwnAnnotations } from "../../components/adoption/daemonSet.ts";
import { formatPath } from "../../components/adoption/differences.ts";
import { ApiError } from "../../components/cluster/apiError.ts";
import { Session } from "../../components/cluster/session.ts";
import { loadCluster } from "../../components/cluster/client.ts";
import { forEachConcurrently } from "../../components/cluster/concurrency.ts";
import { type ApiObject, kubeProxyIds, pathOf } from "../../components/cluster/objects.ts";
import { strip } from "../../components/cluster/snapshot/strip.ts";
import type { Settings } from "../../components/kubeadm/settings.ts";
import { down, up } from "../../lab/index.ts";
import { outcomeOf } from "./outcome.ts";
import { editsOf, recorded, schemaOf, withEdit } from "./schema.ts";

const name = "adopt-edits";
const base: Settings = {
  kubernetesVersion: "v1.37.2",
  controlPlaneEndpoint: "192.0.2.10:6443",
  podSubnet: "10.244.0.0/16",
};

/** How many edits of each kind the API server has to take at least: else the samples in schema.ts are no longer valid. */
const least: Readonly<Record<string, number>> = {
  ServiceAccount: 10,
  ClusterRoleBinding: 5,
  Role: 10,
  RoleBinding: 5,
  ConfigMap: 5,
  DaemonSet: 500,
};

suite("of an object that the API server serves", () => {
  let session: Session;
  before(async () => {
    const lab = await up({ name, nodes: 1, kubeadm: true });
    session = await Session.open(loadCluster({ kubeconfig: lab.kubeconfig }, {}));
  });
  after(() => down(name));

  test("the fields are those that are recorded", async () => {
    const document = await session.request(HttpMethod.GET, "/openapi/v2");
    assert.deepEqual(schemaOf(document), recorded);
  });

  for (const id of kubeProxyIds.filter(({ kind }) => kind !== "ClusterRole")) {
    test(`${id.kind}: no edit of a field is lost without a word`, async () => {
      const path = pathOf(id);
      const live = await session.get(path);
      const untouched = withoutOwnAnnotations(strip(live));
      const outcomes: string[] = [];
      let taken = 0;
      await forEachConcurrently(editsOf(live), 20, async (edit) => {
        const served = await dryRun(path, withEdit(live, edit));
        if (served === undefined || isDeepStrictEqual(withoutOwnAnnotations(strip(served)), untouched))
          return;
        taken += 1;
        const lostBy = outcomeOf([strip(served)], base, { kind: id.kind, path: edit.path });
        if (lostBy !== undefined)
          outcomes.push(`${formatPath(edit.path)} = ${JSON.stringify(edit.value)}: ${lostBy}`);
      });
      console.log(`${id.kind}: ${taken} edits that the API server takes`);
      assert.deepEqual(outcomes, []);
      assert.ok(taken >= (least[id.kind] ?? 0), `${taken} edits`);
    });
  }

  /** What the API server would store; undefined where it refuses. */
  async function dryRun(path: string, body: ApiObject): Promise<ApiObject | undefined> {
    try {
      return (await session.request(HttpMethod.PUT, path, { query: { dryRun: "All" }, body })) as ApiObject;
    } catch (error) {
      // A role of an unknown kind is answered with 500.
      if (error instanceof ApiError && [400, 422, 500].includes(error.status ?? 0)) return undefined;
      throw error;
    }
  }
});
