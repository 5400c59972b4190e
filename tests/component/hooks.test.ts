/** What the component's hooks do when the engine calls them, on a cluster that has no kube-proxy. */
import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { planOf } from "../../components/plan/plan.ts";
import { preparingHook } from "../../components/resources/hooks.ts";
import { reply, withApiServer } from "../cluster/apiServer.ts";
import { Monitor, useMonitor } from "./monitor.ts";

const [nftables] = planOf({
  kubernetesVersion: "v1.37.2",
  controlPlaneEndpoint: "192.0.2.10",
  configuration: { mode: "nftables" },
}).waves;

suite("a switch between modes", () => {
  before(() =>
    useMonitor(new Monitor({ newResource: () => ({ id: "", state: {} }), call: () => ({}) }), "test"),
  );

  test("is prepared once for all objects of a wave, whether they are changed together or one after the other", async () => {
    const asked: string[] = [];
    await withApiServer(
      ({ url = "" }, response) => {
        asked.push(url);
        reply(response, { items: [] });
      },
      async (config) => {
        const cluster = { kubeconfig: config.exportConfig() };
        const hook = preparingHook("kube-proxy", cluster, {
          wave: pulumi.output(nftables),
          facts: undefined,
          deadline: "10s",
        });
        const run = async (name: string) => hook.callback({ urn: name, id: name, name, type: "" });
        await Promise.all([run("config-map"), run("daemon-set")]);
        await run("daemon-set");
      },
    );
    assert.ok(asked.length > 0);
    assert.deepEqual(asked, [...new Set(asked)], "nothing is asked for again");
  });
});
