/** Whether a cluster is the one that is meant. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { closeSession } from "../../components/cluster/api.ts";
import { openCluster } from "../../components/cluster/identity.ts";
import { ProblemsError } from "../../components/input/problems.ts";
import { FakeApi } from "./hostile/fakeApi.ts";

suite("the cluster that is meant", () => {
  let api: FakeApi;
  before(async () => {
    api = await FakeApi.start();
  });
  after(() => {
    api.stop();
  });

  const open = async (id: string | undefined) => {
    const config = await openCluster({ kubeconfig: api.kubeconfig() }, id, process.env);
    await closeSession(config);
  };

  test("is the one with the UID, and is not asked where any is meant", async () => {
    await open(undefined);
    assert.deepEqual(api.asked, []);
    await open("cluster");
    assert.deepEqual(api.asked, ["GET /api/v1/namespaces/kube-system"]);
  });

  test("is no other one: both UIDs are told", async () => {
    await assert.rejects(open("mine"), /has UID mine; at http:\/\/127\.0\.0\.1:\d+ it has UID cluster/);
  });

  for (const answer of ["{}", "null", "[]", "<html>", '{"metadata":{}}']) {
    test(`is none that answers ${answer}`, async () => {
      api.answer = (_, response) => {
        response.writeHead(200, { "content-type": "application/json" }).end(answer);
        return true;
      };
      await assert.rejects(open("mine"), ProblemsError);
    });
  }
});
