import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ClusterSettings } from "../../components/kubeadm/clusterConfiguration.ts";
import { type Plain } from "../../components/plan/plan.ts";
import { withRunningVersion } from "../../components/plan/runningVersion.ts";
import { factsAfter } from "./facts.ts";

const plain: Plain = { kubernetesVersion: "v1.36.1", controlPlaneEndpoint: "192.0.2.10", restart: "one" };
const facts = factsAfter(plain, []);
/** kubeadm-config in the middle of an upgrade. */
const upgraded: ClusterSettings = {
  settings: { kubernetesVersion: "v1.37.2", podSubnet: "10.244.0.0/16" },
  sources: { kubernetesVersion: "ConfigMap kube-system/kubeadm-config" },
  problems: [],
};

suite("the version that follows the cluster", () => {
  test("waits as long as there is a restart to be done, and says so", () => {
    const { settings, sources } = withRunningVersion(upgraded, facts, "two");
    assert.deepEqual(settings, { kubernetesVersion: "v1.36.1", podSubnet: "10.244.0.0/16" });
    assert.equal(
      sources.kubernetesVersion,
      "the pods, which are restarted as they are; ConfigMap kube-system/kubeadm-config has v1.37.2, for the next update",
    );
  });

  test("follows with any other update, and where there is nothing of this program", () => {
    assert.equal(withRunningVersion(upgraded, facts, "one"), upgraded);
    assert.equal(withRunningVersion(upgraded, { ...facts, daemonSets: [] }, "two"), upgraded);
    const foreign = facts.daemonSets.map((one) => ({ ...one, annotations: {} }));
    assert.equal(withRunningVersion(upgraded, { ...facts, daemonSets: foreign }, "two"), upgraded);
  });

  test("follows where nobody can tell which one runs: an image of the user's, or pools that differ", () => {
    const own = factsAfter({ ...plain, image: "example.com/kube-proxy@sha256:0" }, []);
    assert.equal(withRunningVersion(upgraded, own, "two"), upgraded);
    const other = factsAfter({ ...plain, kubernetesVersion: "v1.35.0" }, []);
    const both = [...facts.daemonSets, ...other.daemonSets];
    assert.equal(withRunningVersion(upgraded, { ...facts, daemonSets: both }, "two"), upgraded);
    const never = { ...upgraded, settings: {} };
    assert.equal(withRunningVersion(never, facts, "two"), never);
  });
});
