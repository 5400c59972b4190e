import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { stringify } from "yaml";
import { isKubeadms, overwritingNotice } from "../../components/kubeadm/overwriting.ts";

const what = "overwrites kube-proxy";
const notice = (kubernetesVersion: string, more: object = {}) =>
  overwritingNotice(stringify({ apiVersion: "kubeadm.k8s.io/v1beta4", kubernetesVersion, ...more }), what);
const disabled = { proxy: { disabled: true } };

suite("whether the cluster's kubeadm writes kube-proxy anew", () => {
  for (const version of ["v1.15.0", "v1.18.20", "v1.19.0", "v1.30.14"]) {
    test(`${version}: with every upgrade, and nothing stops it`, () => {
      const told = notice(version);
      assert.equal(told?.level, "info");
      assert.match(
        told.line,
        /with every upgrade .* before v1\.32\.1 has no setting .*`pulumi up` after each/,
      );
      // A field that this kubeadm does not know.
      assert.deepEqual(notice(version, disabled), told);
    });
  }

  for (const version of ["v1.31.0", "v1.32.0"]) {
    test(`${version}: the setting is there, and a later kubeadm obeys it`, () => {
      const told = notice(version);
      assert.equal(told?.level, "warn");
      assert.match(told.line, /set `proxy: \{disabled: true\}` in ClusterConfiguration: kubectl /);
      assert.match(told.line, /obeys that from v1\.32\.1 on: give v1\.32\.0 --skip-phases=addon\/kube-proxy/);
      assert.equal(notice(version, disabled), undefined);
    });
  }

  for (const version of ["v1.32.1", "v1.33.0", "v1.37.2", "v1.37.0-rc.1", "v1.38.0"]) {
    test(`${version}: unless it is told not to`, () => {
      const told = notice(version);
      assert.equal(told?.level, "warn");
      assert.match(told.line, /proxy: \{disabled: true\}.*edit configmap kubeadm-config\.$/);
      assert.match(notice(version, { proxy: { disabled: false } })?.line ?? "", /overwrites kube-proxy/);
      assert.match(notice(version, { proxy: {} })?.line ?? "", /overwrites kube-proxy/);
      assert.equal(notice(version, disabled), undefined);
    });
  }

  test("one line, whatever kubeadm-config holds", () => {
    for (const text of [
      "",
      "a: [",
      "- a",
      "kubernetesVersion: 1.37",
      "kubernetesVersion: latest",
      "kind: x",
      "kubernetesVersion: {toString: 1, valueOf: 2}",
    ]) {
      const told = overwritingNotice(text, what);
      assert.equal(told?.level, "warn");
      assert.match(told.line, /^ConfigMap kubeadm-config cannot be read \(.+\): nobody can tell .*$/);
    }
  });

  test("a DaemonSet is kubeadm's as long as nobody else has written to it", () => {
    assert.ok(isKubeadms("kube-proxy", ["kubeadm"]));
    assert.ok(!isKubeadms("kube-proxy", ["kubectl-edit", "kubeadm"]));
    assert.ok(!isKubeadms("kube-proxy", []));
    assert.ok(!isKubeadms("other", ["kubeadm"]));
  });
});
