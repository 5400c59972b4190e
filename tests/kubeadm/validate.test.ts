import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { stringify } from "yaml";
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

  test("a kubeadm file's version is read as kubeadm reads it, and so is the option", () => {
    const paths = (text: string, version?: string) =>
      validateFile(text, version).errors.map(({ path }) => path);
    for (const version of ["1.37.2", "release/v1.37.2"]) {
      assert.deepEqual(paths(kubeadm.replace("v1.37.2", version)), []);
      assert.deepEqual(paths(header, version), []);
    }
    for (const version of ["stable-1.37", "v1.037.2", "ci/v1.37.2"]) {
      assert.deepEqual(paths(kubeadm.replace("v1.37.2", version)), ["kubernetesVersion"]);
      assert.deepEqual(paths(header, version), ["kubernetesVersion"]);
    }
    assert.match(
      validateFile(header, "stable").errors[0]?.accepted ?? "",
      /looks up what this label stands for/,
    );
  });

  test("kind's metadata is a warning, as it is to kubeadm; a misspelt field stays an error", () => {
    const { errors, warnings } = validateFile(`${kubeadm}metadata: {name: config}\nmod: ipvs\n`, undefined);
    assert.deepEqual(
      errors.map(({ path }) => path),
      ["KubeProxyConfiguration.mod"],
    );
    assert.ok(warnings.some(({ path }) => path === "KubeProxyConfiguration.metadata"));
    assert.deepEqual(
      validateFile(`${header}metadata: {name: config}\n`, "v1.37.2").errors.map(({ path }) => path),
      ["metadata"],
    );
  });

  test("of documents that say nothing about kube-proxy kubeadm's warnings are warnings", () => {
    const more =
      "---\napiVersion: a.b/v1\nkind: C\n---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\ndryRun: true\ndryRun: true\n";
    const { errors, warnings } = validateFile(`${kubeadm}${more}`, undefined);
    assert.deepEqual(errors, []);
    const lines = warnings.map(({ path, reason }) => `${path}: ${reason}`).join("\n");
    assert.match(lines, /^file: document 3: is passed over, as kubeadm does: it knows no C of a\.b\/v1$/m);
    assert.match(lines, /^InitConfiguration\.dryRun: is given twice: kubeadm warns of that/m);
  });

  test("a field of a release before 1.15 is named as that", () => {
    assert.deepEqual(errorsOf({ conntrack: { max: 1 } }), [
      "conntrack.max: was removed after Kubernetes 1.14; set conntrack.maxPerCore and conntrack.min in its place",
    ]);
    assert.deepEqual(pathsOf({ conntrack: { max: 1 } }, "v1.15.0"), ["conntrack.max"]);
    assert.deepEqual(pathsOf({ conntrack: { max: 1 } }, "v9"), ["kubernetesVersion", "conntrack.max"]);
  });

  test("a bare file needs its header and a version", () => {
    assert.deepEqual(
      validateFile("mode: iptables\n", undefined).errors.map(({ path }) => path),
      ["apiVersion", "kind", "kubernetesVersion"],
    );
  });
});

suite("what kubectl prints", () => {
  const configMap = (
    text: string,
    { name = "kube-proxy", key = "config.conf", namespace = "kube-system" } = {},
  ) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace },
    data: { [key]: text, "kubeconfig.conf": "kind: Config\n" },
  });
  const list = (...items: object[]) => ({ apiVersion: "v1", kind: "List", items });
  const bad = `${header}mod: ipvs\n`;
  const daemonSet = { apiVersion: "apps/v1", kind: "DaemonSet", metadata: { name: "kube-proxy" }, spec: {} };
  const paths = (text: string) => validateFile(text, "v1.37.2").errors.map(({ path }) => path);

  const found: readonly (readonly [what: string, object: object])[] = [
    ["a ConfigMap", configMap(bad)],
    [
      "a ConfigMap with a key of its own, as EKS has it",
      configMap(bad, { name: "kube-proxy-config", key: "config" }),
    ],
    ["a List", list(daemonSet, configMap("x", { key: "other" }), configMap(bad))],
    ["a ConfigMapList", { ...list(configMap(bad)), kind: "ConfigMapList" }],
    ["a List in a List", list(list(configMap(bad)))],
    [
      "kubeadm's among those of others",
      list(configMap(header, { name: "pool" }), configMap(bad), configMap(header, { namespace: "a" })),
    ],
  ];
  for (const [what, object] of found) {
    test(`${what}: the configuration in it is read, from YAML and from JSON`, () => {
      assert.deepEqual(paths(stringify(object)), ["mod"]);
      assert.deepEqual(paths(JSON.stringify(object, undefined, 4)), ["mod"]);
      assert.deepEqual(paths(`---\n# from kubectl\n---\n${stringify(daemonSet)}---\n${stringify(object)}`), [
        "mod",
      ]);
    });
  }

  test("an empty configuration is one with mistakes; a configuration with mistakes is no object", () => {
    assert.deepEqual(paths(JSON.stringify(configMap(""))), ["apiVersion", "kind"]);
    const { errors } = validateFile("apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: Proxy\n", "v1.37.2");
    assert.deepEqual(errors, [{ path: "kind", value: "Proxy", accepted: "KubeProxyConfiguration" }]);
    assert.deepEqual(paths("apiVersion: v1\nkind: KubeProxyConfiguration\n"), ["apiVersion"]);
  });

  test("those that are not looked at are named", () => {
    const { warnings } = validateFile(
      JSON.stringify(list(configMap(header), configMap(bad, { name: "pool" }))),
      "v1.37.2",
    );
    assert.ok(
      warnings.some(
        ({ path, reason }) => path === "ConfigMap kube-system/pool" && /not looked at here/.test(reason),
      ),
    );
  });

  test("what has none, or several, is told what to give", () => {
    const told = (object: object) => {
      const { errors } = validateFile(JSON.stringify(object), "v1.37.2");
      assert.deepEqual(
        errors.map(({ path }) => path),
        ["kind"],
      );
      return `${toJson(errors[0]?.value)}: ${errors[0]?.accepted}`;
    };
    assert.match(
      told(daemonSet),
      /^"DaemonSet": its ConfigMap: .*kubectl -n kube-system get configmap kube-proxy -o yaml$/,
    );
    assert.match(told(list(daemonSet)), /^"List": its ConfigMap: /);
    for (const object of [
      configMap("x", { key: "other" }),
      list(),
      { apiVersion: "v1", kind: "Pod", metadata: { name: "kube-proxy" } },
      { apiVersion: "v1", kind: "List", items: "x" },
      { apiVersion: "v1", kind: "ConfigMap", data: [{ toString: 1 }] },
    ]) {
      assert.match(told(object), /^"\w+": a KubeProxyConfiguration, or an object that has one: kubectl/);
    }
    assert.match(
      told(list(configMap(header, { name: "a" }), configMap(header, { name: "b" }))),
      /^"List": one KubeProxyConfiguration; here are those of kube-system\/a, kube-system\/b: give one of them alone$/,
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
