/** Where the snapshot before a change is kept: what the engine is told of it. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { argsShape, checkArgs } from "../../components/args.ts";
import { KubeProxy, type KubeProxyArgs, SnapshotIn } from "../../components/index.ts";
import { named, registrationsOf } from "./registration.ts";

const plain = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" };

/** Every registration, and that of the snapshot without what is the same in all. */
async function declare(more: Partial<KubeProxyArgs>) {
  const registrations = await registrationsOf(() => new KubeProxy("kube-proxy", { ...plain, ...more }));
  const { interpreter, ...others } = named(registrations, "snapshot").inputs;
  return { registrations, interpreter: interpreter as string[], others };
}

suite("snapshotIn", () => {
  test("is one argument more of the snapshot's command for a cluster, and else nothing at all", async () => {
    const without = await declare({});
    const inFolder = await declare({ snapshotIn: SnapshotIn.folder });
    const inCluster = await declare({ snapshotIn: SnapshotIn.cluster });
    assert.deepEqual(inFolder.interpreter, without.interpreter);
    assert.deepEqual(inCluster.interpreter, [...without.interpreter, "--in=cluster"]);
    assert.deepEqual(inCluster.others, without.others);
    for (const { registrations } of [inFolder, inCluster]) {
      assert.deepEqual(
        registrations.map(({ name }) => name),
        without.registrations.map(({ name }) => name),
      );
    }
  });

  test("that is misspelt is refused: nobody is to believe that the cluster keeps a snapshot", () => {
    assert.deepEqual(checkArgs(argsShape, { ...plain, snapshotIn: "Cluster" }, undefined), [
      { path: "snapshotIn", value: "Cluster", accepted: "folder or cluster" },
    ]);
  });
});
