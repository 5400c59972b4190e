import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { minors } from "../../components/kubeadm/minors.ts";
import { validate, validateFile } from "../../components/kubeadm/validate.ts";

const header = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";

suite("validate tells known faults of a version", () => {
  const told = (configuration: object, version: string) =>
    validate(
      { mode: "iptables", metricsBindAddress: "127.0.0.1:10249", ...configuration },
      version,
    ).warnings.map(({ path, value, reason, date }) => ({
      path,
      value,
      said: `${reason} [${date}]`,
    }));

  test("that follow from version and mode, with source and date, and no others", () => {
    const [ipvs, lost, ...more] = told({ mode: "ipvs" }, "v1.35.0");
    assert.match(ipvs?.said ?? "", /^mode ipvs is deprecated: .*; plan the move to nftables \[1\.35 /);
    assert.deepEqual([lost?.path, lost?.value], ["mode", "ipvs"]);
    assert.match(lost?.said ?? "", /lost for an hour.*pull\/135631\) \[1\.34 \(August 2025\)\]$/);
    assert.deepEqual(more, []);
    assert.equal(told({ mode: "ipvs" }, "1.35.1").length, 1);
  });

  test("ipvs and an empty mode are told once, and of every version", () => {
    for (const { minor } of minors) {
      for (const mode of ["ipvs", ""]) {
        const version = `v1.${minor}.${minor === 34 || minor === 32 ? 9 : 1}`;
        const found = told({ mode }, version);
        assert.equal(found.filter(({ path }) => path === "mode").length, 1, `${version} ${mode}`);
      }
    }
  });

  test("that follow from the version alone", () => {
    const [load, ...more] = told({}, "v1.32.2");
    assert.deepEqual([load?.path, load?.value], ["kubernetesVersion", "v1.32.2"]);
    assert.match(load?.said ?? "", /take kube-proxy 1\.32\.3 or newer/);
    assert.deepEqual(more, []);
    assert.deepEqual(told({}, "v1.32.3"), []);
  });

  test("that follow from detectLocalMode, in the file's own paths", () => {
    const file = `apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.34.1
---
${header}mode: nftables
metricsBindAddress: 127.0.0.1:10249
detectLocalMode: BridgeInterface
detectLocal: {bridgeInterface: br0}
`;
    const { errors, warnings } = validateFile(file, undefined);
    assert.deepEqual(errors, []);
    assert.deepEqual(
      warnings.map(({ path }) => path),
      ["KubeProxyConfiguration.mode"],
    );
  });
});
