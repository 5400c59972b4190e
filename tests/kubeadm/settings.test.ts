import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { argsShape } from "../../components/args.ts";
import { mapping } from "../../components/input/schema.ts";
import { cidrFamily, formatEndpoint, parseEndpoint } from "../../components/kubeadm/address.ts";
import { kubeProxyObjects } from "../../components/kubeadm/manifests.ts";
import { checkSettings } from "../../components/kubeadm/settings.ts";

const good = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "api.example.com:6443" };

const check = (settings: Record<string, unknown>) => checkSettings(mapping(argsShape), settings);

function assertRefused(key: string, value: unknown, path = key): void {
  const problems = check({ ...good, [key]: value });
  assert.deepEqual(
    problems.map((problem) => problem.path),
    [path],
    `${key}: ${JSON.stringify(value)}`,
  );
}

suite("settings that are accepted", () => {
  const accepted: Record<string, readonly unknown[]> = {
    kubernetesVersion: ["v1.15.0", "v1.37.2", "v1.30.14", "v1.33.0-rc.1", "v1.29.1+build.5"],
    controlPlaneEndpoint: ["api", "api.example.com", "192.0.2.10:443", "[2001:db8::1]", "[2001:db8::1]:6443"],
    podSubnet: [
      "10.244.0.0/16",
      "fd00:10:244::/56",
      "10.244.0.0/16,fd00:10:244::/56",
      "fd00::/56,10.0.0.0/8",
    ],
    imageRepository: ["registry.k8s.io", "localhost:5000/mirror/k8s", "registry.example.com/a_b/c-d"],
    image: ["kube-proxy:v1", `registry.example.com:5000/a/kube-proxy@sha256:${"0".repeat(64)}`],
    restart: ["2026-11-23", "x", "lost rules on node 7", "ü".repeat(256)],
    updateStrategy: [{ rollingUpdate: { maxUnavailable: 3 } }, { rollingUpdate: { maxUnavailable: "10%" } }],
    tolerations: [
      [],
      [{ key: "a", operator: "Equal", value: "b", effect: "NoExecute", tolerationSeconds: 60 }],
    ],
    timeouts: [{ create: "20m", update: "90s", delete: "1h" }, { verify: "1s" }, { verify: "1h" }],
    maxFailed: ["0", 2, "10%"],
  };
  for (const [key, values] of Object.entries(accepted)) {
    test(key, () => {
      for (const value of values) {
        assert.deepEqual(check({ ...good, [key]: value }), [], JSON.stringify(value));
      }
    });
  }
});

suite("settings that are refused, with the key's path", () => {
  const refused: Record<string, readonly unknown[]> = {
    kubernetesVersion: ["1.37.2", "v1.37", "v1.14.9", "v1.38.0", "v2.0.0", "stable-1", "", 1.37, "v1.37.2\n"],
    controlPlaneEndpoint: [
      "",
      ":6443",
      "api:0",
      "api:65536",
      "api:port",
      "api:",
      "2001:db8::1",
      "2001:db8::1:6443",
      "[192.0.2.1]:6443",
      "https://",
      "https://${HOST}:6443",
      "https://me:secret@api:6443",
      "https://api:70000",
      "https://api/?q=1",
      "https://[2001:db8::1:6443",
      "ftp://api:6443",
      "api/path",
      "300.0.0.1",
      "API.example.com",
      "a b",
    ],
    advertiseAddress: ["node-1", "192.0.2", "[::1]"],
    podSubnet: [
      "10.244.0.0",
      "10.244.0.0/33",
      "10.0.0.0/8,10.1.0.0/16",
      "fd00::/56,fd01::/56",
      "a,b",
      "",
      "10.0.0.0/8,",
    ],
    imageRepository: ["https://registry.k8s.io", "registry.k8s.io/", "Registry", "registry.k8s.io:v1/a:b"],
    image: ["", "kube-proxy:", "kube-proxy@sha256:123", "a b"],
    restart: ["", "  ", "x".repeat(257), "two\nlines", 2026, true, null],
    clusterRole: ["own"],
    imagePullSecrets: ["secret"],
  };
  for (const [key, values] of Object.entries(refused)) {
    test(key, () => {
      for (const value of values) {
        assertRefused(key, value);
      }
    });
  }

  test("of the pods", () => {
    assertRefused("excludeNodes", [{ key: "a", operator: "In" }], "excludeNodes[0].values");
    assertRefused("excludeNodes", [{ key: "a", operator: "Gt", values: ["1"] }], "excludeNodes[0].operator");
    assertRefused("priorityClassName", "High");
    assertRefused("hostAliases", [{ ip: "api", hostnames: ["a"] }], "hostAliases[0].ip");
    assertRefused("livenessProbe", { periodSeconds: 5 });
    assertRefused("readinessProbe", { httpGet: { port: 1 }, tcpSocket: { port: 1 } });
    assertRefused("startupProbe", { httpGet: { port: 0 } }, "startupProbe.httpGet.port");
    assertRefused(
      "livenessProbe",
      { tcpSocket: { port: 1 }, periodSeconds: 0 },
      "livenessProbe.periodSeconds",
    );
    const volume = { name: "logs", hostPath: { path: "/var/log" } };
    assertRefused("volumes", [{ ...volume, emptyDir: {} }], "volumes[0]");
    assertRefused("volumes", [{ ...volume, name: "lib-modules" }], "volumes[0].name");
    assertRefused("volumes", [volume, volume], "volumes[1].name");
    assertRefused("volumes", [{ ...volume, nfs: { server: "a", path: "/" } }], "volumes[0].nfs");
    assertRefused("volumeMounts", [{ name: "logs", mountPath: "/logs" }], "volumeMounts[0].name");
    assertRefused(
      "volumeMounts",
      [{ name: "lib-modules", mountPath: "/lib/modules" }],
      "volumeMounts[0].mountPath",
    );
  });

  test("deep ones", () => {
    assertRefused("tolerations", [{ effect: "NoWay" }], "tolerations[0].effect");
    assertRefused("tolerations", [{ tolerationSecond: 3 }], "tolerations[0].tolerationSecond");
    assertRefused("resources", { requests: { cpu: 1 } }, "resources.requests.cpu");
    assertRefused("nodeSelector", { pool: 1 }, "nodeSelector.pool");
    assertRefused("env", [{ name: "A=B", value: "" }], "env[0].name");
    assertRefused("updateStrategy", { type: "OnDelete" }, "updateStrategy.type");
    assertRefused(
      "updateStrategy",
      { rollingUpdate: { maxSurge: 1 } },
      "updateStrategy.rollingUpdate.maxSurge",
    );
    for (const maxUnavailable of [0, -1, 1.5, "0", "0%", "101%", "ten"]) {
      assertRefused(
        "updateStrategy",
        { rollingUpdate: { maxUnavailable } },
        "updateStrategy.rollingUpdate.maxUnavailable",
      );
    }
    assertRefused("timeouts", { create: "10" }, "timeouts.create");
    for (const verify of ["999ms", "61m", "2h", "5"])
      assertRefused("timeouts", { verify }, "timeouts.verify");
    assertRefused("maxFailed", "100%");
    assertRefused("timeouts", { create: "0s" }, "timeouts.create");
    assertRefused("configuration", { mode: 3 }, "configuration.mode");
  });

  test("all mistakes at once, the missing key and the misspelt one included", () => {
    const problems = check({
      kubernetesVersion: "1.37",
      podSubnets: "10.0.0.0/8",
      configuration: { mod: "ipvs" },
    });
    assert.deepEqual(problems.map(({ path }) => path).sort(), [
      "configuration.mod",
      "controlPlaneEndpoint",
      "kubernetesVersion",
      "podSubnets",
    ]);
    assert.match(
      problems.find(({ path }) => path === "podSubnets")?.accepted ?? "",
      /did you mean podSubnet\?/,
    );
  });
});

suite("addresses", () => {
  test("an endpoint is written back in kubeadm's form", () => {
    for (const text of ["api.example.com:443", "192.0.2.1:6443", "[2001:db8::1]:6443"]) {
      const endpoint = parseEndpoint(text);
      assert.equal(
        endpoint?.port !== undefined && formatEndpoint({ ...endpoint, port: endpoint.port }),
        text,
      );
    }
  });

  test("a CIDR's family", () => {
    assert.equal(cidrFamily("10.0.0.0/8"), 4);
    assert.equal(cidrFamily("fd00::/8"), 6);
    assert.equal(cidrFamily("fd00::/129"), undefined);
    assert.equal(cidrFamily("10.0.0.0/08"), undefined);
  });
});

suite("settings in the objects", () => {
  const container = (settings: object) =>
    kubeProxyObjects({ ...good, ...settings }).daemonSet.spec.template.spec.containers[0];
  const configuration = (settings: object) =>
    kubeProxyObjects({ ...good, ...settings }).configMap.data["config.conf"];

  test("the image: registry of the minor and its backports, repository, whole override, build suffix", () => {
    assert.equal(container({ kubernetesVersion: "v1.24.8" }).image, "k8s.gcr.io/kube-proxy:v1.24.8");
    assert.equal(container({ kubernetesVersion: "v1.24.9" }).image, "registry.k8s.io/kube-proxy:v1.24.9");
    assert.equal(container({ kubernetesVersion: "v1.25.0" }).image, "registry.k8s.io/kube-proxy:v1.25.0");
    assert.equal(
      container({ imageRepository: "example.com/k8s" }).image,
      "example.com/k8s/kube-proxy:v1.37.2",
    );
    assert.equal(container({ image: "example.com/own:1" }).image, "example.com/own:1");
    assert.equal(
      container({ kubernetesVersion: "v1.37.2+b.1" }).image,
      "registry.k8s.io/kube-proxy:v1.37.2_b.1",
    );
  });

  test("bindAddress follows the family of the advertise address, the endpoint, the pods", () => {
    assert.match(configuration({}), /^bindAddress: 0\.0\.0\.0$/m);
    assert.match(configuration({ advertiseAddress: "2001:db8::1" }), /^bindAddress: '::'$/m);
    assert.match(configuration({ controlPlaneEndpoint: "[2001:db8::1]" }), /^bindAddress: '::'$/m);
    assert.match(configuration({ podSubnet: "fd00::/56,10.0.0.0/8" }), /^bindAddress: '::'$/m);
    assert.match(
      configuration({ podSubnet: "fd00::/56", controlPlaneEndpoint: "192.0.2.1" }),
      /^bindAddress: 0\.0\.0\.0$/m,
    );
  });

  test("1.15 forces bindAddress, later minors keep the user's", () => {
    const own = { configuration: { bindAddress: "192.0.2.7" } };
    assert.match(configuration({ ...own, kubernetesVersion: "v1.15.0" }), /^bindAddress: 0\.0\.0\.0$/m);
    assert.match(configuration({ ...own, kubernetesVersion: "v1.16.0" }), /^bindAddress: 192\.0\.2\.7$/m);
  });

  test("IPv6DualStack is copied from 1.16 to 1.23 only", () => {
    const gates = { featureGates: { IPv6DualStack: true, Other: true } };
    for (const [version, expected] of [
      ["v1.15.0", false],
      ["v1.16.0", true],
      ["v1.23.0", true],
      ["v1.24.0", false],
    ] as const) {
      assert.equal(
        /IPv6DualStack: true/.test(configuration({ ...gates, kubernetesVersion: version })),
        expected,
        version,
      );
    }
    assert.doesNotMatch(configuration({ ...gates, kubernetesVersion: "v1.20.0" }), /Other/);
  });

  test("a configuration of the user's takes kubeadm's hash away", () => {
    assert.ok(kubeProxyObjects(good).configMap.metadata.annotations);
    assert.equal(kubeProxyObjects({ ...good, configuration: {} }).configMap.metadata.annotations, undefined);
  });

  test("node selection, resources, bounds, secrets and variables", () => {
    const { spec } = kubeProxyObjects({
      ...good,
      nodeSelector: { pool: "a" },
      tolerations: [{ key: "only" }],
      resources: { requests: { cpu: "100m" } },
      updateStrategy: { rollingUpdate: { maxUnavailable: "3" } },
      imagePullSecrets: ["registry"],
      env: [{ name: "NO_PROXY", value: "10.0.0.0/8" }],
    }).daemonSet;
    const pod = spec.template.spec;
    assert.deepEqual(pod.nodeSelector, { "kubernetes.io/os": "linux", pool: "a" });
    assert.deepEqual(pod.tolerations, [{ key: "only" }]);
    assert.deepEqual(pod.containers[0].resources, { requests: { cpu: "100m" } });
    assert.deepEqual(spec.updateStrategy, { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 3 } });
    assert.deepEqual(pod.imagePullSecrets, [{ name: "registry" }]);
    assert.deepEqual(pod.containers[0].env[1], { name: "NO_PROXY", value: "10.0.0.0/8" });
  });
});

suite("a pair of subnets", () => {
  const problems = (kubernetesVersion: string, more: object = {}) =>
    check({
      kubernetesVersion,
      controlPlaneEndpoint: "192.0.2.1",
      podSubnet: "10.244.0.0/16,fd00:10:244::/56",
      ...more,
    }).map(({ path }) => path);

  test("is refused where that minor's kube-proxy would refuse the clusterCIDR that kubeadm makes of it", () => {
    const gate = { IPv6DualStack: true };
    assert.deepEqual(problems("v1.15.3"), ["podSubnet"]);
    assert.deepEqual(problems("v1.18.3"), ["podSubnet"]);
    assert.deepEqual(problems("v1.18.3", { featureGates: gate }), []);
    assert.deepEqual(problems("v1.18.3", { configuration: { featureGates: gate } }), []);
    assert.deepEqual(problems("v1.18.3", { configuration: { clusterCIDR: "10.244.0.0/16" } }), []);
    assert.deepEqual(problems("v1.37.2"), []);
  });
});
