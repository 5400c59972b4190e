import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { checkConfiguration } from "../../components/configuration/check.ts";
import { renderConfiguration, Unset } from "../../components/configuration/render.ts";

const problems = (configuration: unknown, minor = 37) =>
  checkConfiguration(configuration, minor, "configuration").map(
    ({ path, accepted }) => `${path}: ${accepted}`,
  );

suite("a configuration's problems", () => {
  test("none in what every section accepts", () => {
    const configuration = {
      apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
      kind: "KubeProxyConfiguration",
      mode: "nftables",
      conntrack: { maxPerCore: 0, tcpCloseWaitTimeout: "1h", udpTimeout: "10s" },
      clientConnection: { qps: 12.5, burst: 25 },
      featureGates: { AllAlpha: false },
      logging: { flushFrequency: "5s", vmodule: [{ filePattern: "proxier*", verbosity: 4 }] },
      nodePortAddresses: ["192.0.2.0/24"],
      oomScoreAdj: -998,
    };
    assert.deepEqual(problems(configuration), []);
  });

  test("an unknown field names the nearest one", () => {
    assert.deepEqual(problems({ mod: "ipvs" }), ["configuration.mod: unknown key; did you mean mode?"]);
    assert.deepEqual(problems({ iptables: { syncperiod: "30s" } }), [
      "configuration.iptables.syncperiod: unknown key; did you mean syncPeriod?",
    ]);
  });

  test("a field of another minor says which one has it", () => {
    assert.match(problems({ nftables: { syncPeriod: "30s" } }, 28)[0] ?? "", /exists since Kubernetes 1\.29/);
    assert.match(problems({ udpIdleTimeout: "1s" }, 26)[0] ?? "", /removed after Kubernetes 1\.25/);
  });

  test("all wrong types at once", () => {
    const found = problems({
      mode: 1,
      enableProfiling: "yes",
      oomScoreAdj: "-999",
      configSyncPeriod: 30,
      conntrack: [],
      nodePortAddresses: "192.0.2.0/24",
      featureGates: { AllAlpha: "true" },
    });
    assert.deepEqual(
      found.map((problem) => problem.split(":")[0]),
      [
        "configuration.mode",
        "configuration.enableProfiling",
        "configuration.oomScoreAdj",
        "configuration.configSyncPeriod",
        "configuration.conntrack",
        "configuration.nodePortAddresses",
        "configuration.featureGates",
      ],
    );
  });

  test("a list with an entry of a wrong type once, not again for each entry", () => {
    assert.equal(problems({ nodePortAddresses: [1, "x"] }, 37).length, 1);
    assert.equal(problems({ featureGates: { AllAlpha: 1, "a[0]": 1 } }, 37).length, 2);
  });

  test("a configuration that is no mapping", () => {
    assert.equal(problems("mode: ipvs").length, 1);
  });
});

suite("what is written for a configuration", () => {
  test("durations in Go's own form", () => {
    assert.match(
      renderConfiguration({ iptables: { syncPeriod: "90s" } }, 37, Unset.zero),
      /^ {2}syncPeriod: 1m30s$/m,
    );
  });

  test("a zero that the user wrote gets the default in 1.15, as Go cannot tell it from unset; a pointer keeps it", () => {
    const written = renderConfiguration(
      { clientConnection: { burst: 0 }, oomScoreAdj: 0 },
      15,
      Unset.defaulted,
    );
    assert.match(written, /^ {2}burst: 10$/m);
    assert.match(written, /^oomScoreAdj: 0$/m);
  });

  test("omitempty leaves empty values out", () => {
    const written = renderConfiguration({ featureGates: {}, logging: { format: "" } }, 37, Unset.zero);
    assert.doesNotMatch(written, /featureGates|format/);
  });
});
