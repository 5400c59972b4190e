import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { toJson } from "../../components/input/problems.ts";
import { validate, validateFile } from "../../components/kubeadm/validate.ts";

const header = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";
const errorsOf = (configuration: unknown, version = "v1.37.2") =>
  validate(configuration, version).errors.map(({ path, accepted }) => `${path}: ${accepted}`);
const pathsOf = (configuration: unknown, version: string) =>
  validate(configuration, version).errors.map(({ path }) => path);

suite("validation agrees with Kubernetes' own", () => {
  const oldest = 29;
  for (const file of ["verdicts.json", "judged.json"]) {
    const path = join(import.meta.dirname, "reference", file);
    const cases = JSON.parse(readFileSync(path, "utf8")) as { configuration: string; verdicts: string }[];
    test(`in all ${cases.length} cases of ${file}`, () => {
      for (const { configuration, verdicts } of cases) {
        for (const [i, verdict] of verdicts.split("").entries()) {
          const { errors } = validateFile(configuration, `v1.${oldest + i}.0`);
          assert.equal(
            errors.length === 0,
            verdict === "a",
            `1.${oldest + i}: ${configuration}${toJson(errors)}`,
          );
        }
      }
    });
  }
});

suite("errors", () => {
  test("all at once, in the user's own spelling", () => {
    assert.deepEqual(
      errorsOf({
        mod: "ipvs",
        iptables: { syncPeriod: "30", masqueradeBit: 32 },
        nodePortAddresses: ["10.0.0.0/8", "x"],
        clientConnection: { burst: -1 },
        featureGates: { NFTablesProxyMod: true },
      }),
      [
        "mod: unknown key; did you mean mode?",
        "iptables.syncPeriod: a Go duration with a unit, such as 30s, 1h30m or 250ms",
        "featureGates.NFTablesProxyMod: no feature gate of Kubernetes 1.37, whose kube-proxy exits on it; did you mean NFTablesProxyMode?",
        "clientConnection.burst: a whole number from 0 to 2147483647",
        "iptables.masqueradeBit: a whole number from 0 to 31",
        "nodePortAddresses[1]: a CIDR, or one of primary, localhost, all, each once",
      ],
    );
  });

  test("a version that is not known, and the configuration's own problems beside it", () => {
    assert.deepEqual(pathsOf({ mode: 1 }, "v1.38.0"), ["kubernetesVersion", "mode"]);
  });

  const perMinor: readonly (readonly [
    what: string,
    configuration: object,
    path: string,
    refusedBy: (minor: number) => boolean,
  ])[] = [
    ["mode userspace", { mode: "userspace" }, "mode", (minor) => minor >= 26],
    ["mode nftables", { mode: "nftables" }, "mode", (minor) => minor <= 30],
    [
      "mode nftables with its gate",
      { mode: "nftables", featureGates: { NFTablesProxyMode: true } },
      "mode",
      (minor) => minor <= 28,
    ],
    [
      "mode ipvs without its gate",
      { mode: "ipvs", featureGates: { KubeProxyIPVS: false } },
      "mode",
      (minor) => minor === 37,
    ],
    ["a CIDR pair", { clusterCIDR: "10.0.0.0/8,fd00::/8" }, "clusterCIDR", (minor) => minor <= 20],
    [
      "a CIDR pair with its gate",
      { clusterCIDR: "10.0.0.0/8,fd00::/8", featureGates: { IPv6DualStack: true } },
      "clusterCIDR",
      (minor) => minor === 15,
    ],
    ["two CIDRs of a family", { clusterCIDR: "10.0.0.0/8,11.0.0.0/8" }, "clusterCIDR", () => true],
    [
      "a bad clusterCIDR that nobody reads",
      { clusterCIDR: "x", detectLocalMode: "NodeCIDR" },
      "clusterCIDR",
      (minor) => minor <= 30,
    ],
    [
      "an unknown scheduler",
      { mode: "ipvs", ipvs: { scheduler: "mh" } },
      "ipvs.scheduler",
      (minor) => minor <= 26,
    ],
    ["a bad port range", { portRange: "x" }, "portRange", (minor) => minor <= 30],
    [
      "iptables' periods in mode ipvs",
      { mode: "ipvs", iptables: { syncPeriod: "-1s" } },
      "iptables.syncPeriod",
      (minor) => minor <= 30,
    ],
    [
      "a flush frequency below 0",
      { logging: { flushFrequency: "-1s" } },
      "logging.flushFrequency",
      (minor) => minor <= 27 || minor >= 35,
    ],
    ["primary", { nodePortAddresses: ["primary"] }, "nodePortAddresses[0]", (minor) => minor <= 30],
    [
      "primary and a CIDR",
      { nodePortAddresses: ["primary", "10.0.0.0/8"] },
      "nodePortAddresses[0]",
      (minor) => minor <= 36,
    ],
    [
      "a gate that was removed",
      { featureGates: { EndpointSliceProxying: true } },
      "featureGates.EndpointSliceProxying",
      (minor) => minor <= 17 || minor >= 25,
    ],
    [
      "a gate that is locked",
      { featureGates: { IPv6DualStack: false } },
      "featureGates.IPv6DualStack",
      (minor) => minor === 15 || minor >= 23,
    ],
    [
      "a mapped address without a port",
      { healthzBindAddress: "::ffff:10.0.0.1" },
      "healthzBindAddress",
      (minor) => minor <= 35,
    ],
  ];
  for (const [what, configuration, path, refusedBy] of perMinor) {
    test(`${what}: exactly in the minors that refuse it`, () => {
      for (let minor = 15; minor <= 37; minor++) {
        // An older minor does not know the section at all: that is told at the section.
        const told = pathsOf(configuration, `v1.${minor}.0`).some(
          (found) => found === path || path.startsWith(`${found}.`),
        );
        assert.equal(told, refusedBy(minor), `1.${minor}`);
      }
    });
  }

  test("what looks wrong and is not", () => {
    const fine = {
      bindAddress: "010.000.0.1",
      clusterCIDR: "10.244.1.1/16",
      healthzBindAddress: "0.0.0.0:+10256",
      nodePortAddresses: ["10.0.0.0/8", "10.0.0.0/8"],
      clientConnection: { qps: -1 },
      winkernel: { sourceVip: "anything" },
      configSyncPeriod: "0",
      conntrack: { tcpCloseWaitTimeout: null },
    };
    assert.deepEqual(errorsOf(fine), []);
  });

  test("a gate that needs another one", () => {
    assert.deepEqual(pathsOf({ featureGates: { AllAlpha: true } }, "v1.33.0"), []);
    assert.notDeepEqual(pathsOf({ featureGates: { AllAlpha: true } }, "v1.37.0"), []);
  });
});

suite("files", () => {
  const kubeadm = `apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.37.2\n---\n${header}`;

  test("a kubeadm file brings its version; the option wins", () => {
    assert.deepEqual(validateFile(`${kubeadm}mode: nftables\n`, undefined).errors, []);
    assert.deepEqual(
      validateFile(`${kubeadm}mode: nftables\n`, "v1.28.0").errors.map(({ path }) => path),
      ["KubeProxyConfiguration.mode"],
    );
    assert.deepEqual(
      validateFile(`${kubeadm}mode: ipvs\nmode: ipvs\n`, undefined).errors.map(({ path }) => path),
      ["KubeProxyConfiguration.mode"],
    );
  });

  test("a bare file needs its header and a version", () => {
    assert.deepEqual(
      validateFile("mode: iptables\n", undefined).errors.map(({ path }) => path),
      ["apiVersion", "kind", "kubernetesVersion"],
    );
  });
});

suite("warnings carry a reason and a date", () => {
  const warned = (configuration: object, version = "v1.37.2") =>
    validate({ mode: "iptables", metricsBindAddress: "127.0.0.1:10249", ...configuration }, version).warnings;
  const cases: readonly (readonly [configuration: object, path: string])[] = [
    [{ mode: "" }, "mode"],
    [{ mode: "ipvs" }, "mode"],
    [{ metricsBindAddress: "" }, "metricsBindAddress"],
    [{ metricsBindAddress: "0.0.0.0:10249" }, "metricsBindAddress"],
    [{ healthzBindAddress: "127.0.0.1:10256" }, "healthzBindAddress"],
    [{ hostnameOverride: "a" }, "hostnameOverride"],
    [{ ipvs: { scheduler: "rr" } }, "ipvs.scheduler"],
    [{ mode: "nftables", iptables: { syncPeriod: "1s" } }, "iptables.syncPeriod"],
    [{ iptables: { minSyncPeriod: "0s" } }, "iptables.minSyncPeriod"],
    [{ iptables: { syncPeriod: "1h" } }, "iptables.syncPeriod"],
    [{ bindAddress: "192.0.2.1" }, "bindAddress"],
    [{ detectLocalMode: "NodeCIDR", clusterCIDR: "10.0.0.0/8" }, "clusterCIDR"],
    [{ detectLocal: { bridgeInterface: "br0" } }, "detectLocal.bridgeInterface"],
    [{ portRange: "1-2" }, "portRange"],
    [{ winkernel: { sourceVip: "10.0.0.1" } }, "winkernel.sourceVip"],
    [{ logging: { options: { json: { splitStream: true } } } }, "logging.options.json.splitStream"],
    [{ conntrack: { min: 1, maxPerCore: 0 } }, "conntrack.min"],
    [{ metricsBindAddress: "[::]:10249", enableProfiling: true }, "enableProfiling"],
    [{ featureGates: { NFTablesProxyMode: true } }, "featureGates.NFTablesProxyMode"],
  ];
  for (const [configuration, path] of cases) {
    test(JSON.stringify(configuration), () => {
      const found = warned(configuration).find((warning) => warning.path === path);
      assert.ok(found !== undefined);
      assert.notEqual(found.reason, "");
      assert.match(found.date, /1\.\d\d/);
    });
  }

  test("none where everything is set well, and none of what the default says", () => {
    assert.deepEqual(warned({}), []);
    assert.deepEqual(
      warned({ iptables: { syncPeriod: "30s", minSyncPeriod: "1s" }, healthzBindAddress: "" }),
      [],
    );
  });

  test("a second document", () => {
    const { errors, warnings } = validateFile(`${header}mode: iptables\n---\nmode: bogus\n`, "v1.37.2");
    assert.deepEqual(errors, []);
    assert.ok(warnings.some(({ path }) => path === "document 2"));
  });
});
