import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { parse, stringify } from "yaml";
import { takeOverProblems } from "../../components/adoption/describe.ts";
import { dataOf, type LiveObject } from "../../components/adoption/live.ts";
import { takeOverOf } from "../../components/adoption/takeOver.ts";
import { formatProblems } from "../../components/input/problems.ts";
import { mapping } from "../../components/input/schema.ts";
import { settingsOfCluster } from "../../components/kubeadm/clusterConfiguration.ts";
import { kubeProxyObjects } from "../../components/kubeadm/manifests.ts";
import { minors } from "../../components/kubeadm/minors.ts";
import { checkSettings, type Settings, settingsShape } from "../../components/kubeadm/settings.ts";
import {
  and,
  type Change,
  base,
  changed,
  configuration,
  container,
  owner,
  podSpec,
  put,
  takeOver,
  text,
  to,
} from "./change.ts";
import { liveObjects } from "./live.ts";

suite("taking over", () => {
  test("no problem shows a secret: of an environment, of a container beside, or of the kubeconfig", () => {
    const variable = { name: "API_KEY", value: "hidden" };
    const users = [{ name: "default", user: { token: "hidden" } }];
    const edits = [
      changed("DaemonSet", [[...container, "env", 0], to(variable)]),
      changed("DaemonSet", [
        [...podSpec, "containers"],
        and({ name: "beside", image: "x", env: [variable] }),
      ]),
      changed("DaemonSet", [
        [...podSpec, "initContainers"],
        to([{ name: "before", image: "x", env: [variable] }]),
      ]),
      changed("ConfigMap", [
        ["data", "kubeconfig.conf"],
        text((old) => stringify({ ...(parse(old) as object), users })),
      ]),
      changed("ConfigMap", [
        ["data", "kubeconfig.conf"],
        text((old) => old.replace("https://", "https://me:hidden@")),
      ]),
    ];
    for (const [index, objects] of edits.entries()) {
      const found = takeOver(objects);
      const problems = takeOverProblems(found, {});
      assert.doesNotMatch(formatProblems("the cluster", problems), /hidden/);
      assert.ok(problems.length > 0, `edit ${index} is told`);
    }
  });

  test("what kubeadm has made, of every minor, changes nothing", () => {
    for (const { minor } of minors) {
      const settings = { ...base, kubernetesVersion: `v1.${minor}.0` };
      const objects = liveObjects(settings);
      const { edits, problems, changes, keepsPods } = takeOverOf(objects, {
        settings,

        cluster: settings,
        owner,
      });
      assert.deepEqual(
        { edits, problems, changes, keepsPods },
        { edits: {}, problems: [], changes: [], keepsPods: true },
      );
    }
  });

  test("what the API server fills into probes and a secret's volume is nobody's edit", () => {
    const filled = { failureThreshold: 3, periodSeconds: 10, successThreshold: 1, timeoutSeconds: 1 };
    const settings = {
      ...base,
      livenessProbe: { httpGet: { port: 10256 } },
      startupProbe: { tcpSocket: { port: 10256 }, periodSeconds: 5 },
      volumes: [{ name: "mine", secret: { secretName: "mine" } }],
    };
    const objects = liveObjects({
      ...settings,
      livenessProbe: { httpGet: { port: 10256, path: "/", scheme: "HTTP" }, ...filled },
      startupProbe: { tcpSocket: { port: 10256 }, ...filled, periodSeconds: 5 },
      volumes: [{ name: "mine", secret: { secretName: "mine", defaultMode: 420 } }],
    });
    const { problems, changes, keepsPods } = takeOverOf(objects, { settings, cluster: base, owner });
    assert.deepEqual({ problems, changes, keepsPods }, { problems: [], changes: [], keepsPods: true });
  });

  const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
  const labels = fc.dictionary(word, word, { minKeys: 1, maxKeys: 3 });
  const metadata = fc.record({ labels, annotations: labels }, { requiredKeys: ["labels"] });
  const edits = fc.record(
    {
      image: fc.constantFrom("registry.example.com/kube-proxy:v1.37.2-own", `a/b@sha256:${"0".repeat(64)}`),
      extraArgs: fc.array(fc.constantFrom("--v=4", "-v=2", "--vmodule=a=1"), { minLength: 1, maxLength: 2 }),
      env: fc.uniqueArray(fc.record({ name: word, value: fc.string() }), {
        minLength: 1,
        maxLength: 3,
        selector: ({ name }) => name,
      }),
      resources: fc.record({
        requests: fc.constant({ cpu: "100m" }),
        limits: fc.constant({ memory: "1Gi" }),
      }),
      tolerations: fc.array(fc.record({ key: word, operator: fc.constant("Exists") }), {
        minLength: 1,
        maxLength: 3,
      }),
      nodeSelector: labels,
      imagePullSecrets: fc.array(word, { minLength: 1, maxLength: 2 }),
      updateStrategy: fc.record({
        rollingUpdate: fc.record({ maxUnavailable: fc.constantFrom("2", "30%", "100%") }),
      }),
      metadata,
      podMetadata: metadata,
      excludeNodes: fc.constantFrom(
        [{ key: "node-role.kubernetes.io/edge", operator: "Exists" }],
        [
          { key: "type", operator: "In", values: ["virtual-kubelet"] },
          { key: "pool", operator: "NotIn", values: ["a", "b"] },
        ],
      ),
      priorityClassName: fc.constantFrom("system-cluster-critical", "high"),
      hostAliases: fc.constant([{ ip: "192.0.2.1", hostnames: ["api.example.com"] }]),
      volumes: fc.constant([{ name: "logs", hostPath: { path: "/var/log", type: "" } }]),
      livenessProbe: fc.constant({
        httpGet: { path: "/livez", port: 10256, scheme: "HTTP" },
        periodSeconds: 5,
      }),
      readinessProbe: fc.constant({ tcpSocket: { port: 10256 } }),
      startupProbe: fc.constant({ exec: { command: ["true"] }, failureThreshold: 30 }),
      hardened: fc.constant(true),
      controlPlaneEndpoint: fc.constantFrom(
        "api.example.com:8443",
        "[2001:db8::1]:6443",
        "https://h/k8s/clusters/c-1",
      ),
      configuration: fc.record(
        {
          mode: fc.constantFrom("iptables" as const, "ipvs" as const, "nftables" as const),
          clusterCIDR: fc.constant("10.1.0.0/16"),
          metricsBindAddress: fc.constantFrom("0.0.0.0:10249", "127.0.0.1"),
          iptables: fc.record({ masqueradeAll: fc.boolean(), minSyncPeriod: fc.constantFrom("0s", "2s") }),
          conntrack: fc.record({ maxPerCore: fc.constantFrom(0, 1, 32768) }),
          ipvs: fc.record({ strictARP: fc.boolean(), excludeCIDRs: fc.constantFrom([], ["10.0.0.0/8"]) }),
          nodePortAddresses: fc.constantFrom([], ["10.0.0.0/8"]),
          oomScoreAdj: fc.integer({ min: -1000, max: 1000 }),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  );

  test("any edit that a setting can express is printed as settings that keep every pod", () => {
    fc.assert(
      fc.property(edits, fc.constantFrom(...minors), (drawn, { minor }) => {
        const made = JSON.parse(JSON.stringify(drawn)) as Partial<Settings>;
        const kubernetesVersion = `v1.${minor}.0`;
        const cluster = { ...base, kubernetesVersion };
        const edited: Settings = { ...cluster, ...made };
        fc.pre(checkSettings(mapping(settingsShape), { ...edited }).length === 0);
        const objects = liveObjects(edited);
        const first = takeOverOf(objects, { settings: cluster, cluster, owner });
        assert.deepEqual(first.problems, []);
        const settings = { ...cluster, ...first.edits };
        const second = takeOverOf(objects, { settings, cluster, owner });
        assert.deepEqual(second.problems, []);
        assert.deepEqual(second.edits, {});
        assert.equal(second.keepsPods, true);
        // What kube-proxy's pods are made of is the same to the letter.
        const [kept, was] = [kubeProxyObjects(settings), kubeProxyObjects(edited)];
        assert.deepEqual(kept.daemonSet.spec.template, was.daemonSet.spec.template);
      }),
    );
  });

  test("the same configuration in other words is no edit", () => {
    const lines = [
      "# by hand",
      "kind: KubeProxyConfiguration",
      "apiVersion: kubeproxy.config.k8s.io/v1alpha1",
      "clusterCIDR: 10.244.0.0/16",
      "clientConnection: {kubeconfig: /var/lib/kube-proxy/kubeconfig.conf, qps: 5, burst: 10}",
      "conntrack: {maxPerCore: 32768, tcpCloseWaitTimeout: 60m}",
      "iptables: {syncPeriod: 30s, masqueradeBit: 14, localhostNodePorts: true}",
      "oomScoreAdj: -999",
      "",
    ];
    const reworded = changed(
      "ConfigMap",
      [configuration, to(lines.join("\n"))],
      [["data", "kubeconfig.conf"], text((old) => `# by hand\n${old}\n`)],
    );
    const { edits, problems, changes, keepsPods } = takeOver(reworded);
    assert.deepEqual({ edits, problems, keepsPods }, { edits: {}, problems: [], keepsPods: true });
    assert.deepEqual(changes, [
      "ConfigMap: config.conf is written as kubeadm writes it, and means the same",
      "ConfigMap: kubeconfig.conf is written as kubeadm writes it, and means the same",
    ]);
  });

  test("a zero that is not the default is an edit", () => {
    const zero = text((old) => old.replace("maxPerCore: null", "maxPerCore: 0"));
    const { edits } = takeOver(changed("ConfigMap", [configuration, zero]));
    assert.deepEqual(edits, { configuration: { conntrack: { maxPerCore: 0 } } });
  });

  test("pods of another version are taken over in theirs; what kubeadm does differently there is no edit", () => {
    const { edits, problems } = takeOver(liveObjects({ ...base, kubernetesVersion: "v1.17.4" }));
    assert.deepEqual(problems, []);
    assert.deepEqual(edits, { kubernetesVersion: "v1.17.4" });
  });

  test("what the user sets counts more than an edit, and restarts the pods", () => {
    const objects = liveObjects({ ...base, configuration: { mode: "ipvs", ipvs: { strictARP: true } } });
    const settings = { ...base, configuration: { mode: "nftables" as const } };
    const first = takeOver(objects, settings);
    assert.deepEqual(first.edits, { configuration: { mode: "nftables", ipvs: { strictARP: true } } });
    const second = takeOver(objects, { ...settings, ...first.edits });
    assert.deepEqual([second.edits, second.problems, second.keepsPods], [{}, [], false]);
    assert.deepEqual(second.changes, ["ConfigMap: config.conf, mode"]);
  });

  test("arguments among kubeadm's, and in args, become extraArgs; that restarts the pods, and is said", () => {
    const [program = "", ...kubeadms] =
      kubeProxyObjects(base).daemonSet.spec.template.spec.containers[0].command;
    const objects = changed(
      "DaemonSet",
      [[...container, "command"], to([program, "--v=4", ...kubeadms])],
      [[...container, "args"], to(["--vmodule=a=1"])],
    );
    const { edits, problems } = takeOver(objects);
    assert.deepEqual([edits, problems], [{ extraArgs: ["--v=4", "--vmodule=a=1"] }, []]);
    const second = takeOver(objects, { ...base, ...edits });
    assert.deepEqual([second.edits, second.problems, second.keepsPods], [{}, [], false]);
    assert.equal(
      second.changes.filter((change) => /containers\[0\]\.(command|args)$/.test(change)).length,
      2,
    );
  });

  test("labels by the names of every object's own functions are edits like others", () => {
    const { edits, problems } = takeOver(
      changed("DaemonSet", [[...podSpec, "nodeSelector", "constructor"], to("a")]),
    );
    assert.deepEqual([edits, problems], [{ nodeSelector: { constructor: "a" } }, []]);
  });

  test("zero values that somebody has written are edits: kept, or refused by their path", () => {
    const kept = takeOver(
      changed("DaemonSet", [[...podSpec, "nodeSelector", "node-role.kubernetes.io/worker"], to("")]),
    );
    assert.deepEqual(kept.edits, { nodeSelector: { "node-role.kubernetes.io/worker": "" } });
    assert.deepEqual(kept.problems, []);
    const zeros: Record<string, readonly [string, Change]> = {
      "spec.revisionHistoryLimit": ["DaemonSet", [["spec", "revisionHistoryLimit"], to(0)]],
      "spec.template.spec.terminationGracePeriodSeconds": [
        "DaemonSet",
        [[...podSpec, "terminationGracePeriodSeconds"], to(0)],
      ],
      "spec.template.spec.enableServiceLinks": ["DaemonSet", [[...podSpec, "enableServiceLinks"], to(false)]],
      "spec.template.spec.affinity": ["DaemonSet", [[...podSpec, "affinity"], to({})]],
      automountServiceAccountToken: ["ServiceAccount", [["automountServiceAccountToken"], to(false)]],
      immutable: ["ConfigMap", [["immutable"], to(false)]],
    };
    for (const [path, [kind, change]] of Object.entries(zeros)) {
      const { problems, keepsPods } = takeOver(changed(kind, change));
      assert.deepEqual(
        problems.map((problem) => problem.path.split(", ")[1]),
        [path],
      );
      assert.equal(keepsPods, !path.startsWith("spec.template"), path);
    }
  });

  const servers: Record<string, string> = {
    "https://api.example.com:6443": "api.example.com:6443",
    "https://rancher.example.com/k8s/clusters/c-m-1": "https://rancher.example.com/k8s/clusters/c-m-1",
    "https://rancher.example.com": "https://rancher.example.com",
    "http://127.0.0.1:8080": "http://127.0.0.1:8080",
    "https://API.example.com:6443": "https://API.example.com:6443",
    "https://api_1.example.com:6443": "https://api_1.example.com:6443",
    "https://api.example.com.:6443": "https://api.example.com.:6443",
    "https://api.example.com:6443/": "https://api.example.com:6443/",
  };
  for (const [server, controlPlaneEndpoint] of Object.entries(servers)) {
    test(`${server} stays the server to the letter`, () => {
      const objects = changed("ConfigMap", [
        ["data", "kubeconfig.conf"],
        text((old) => old.replace(/server: .*/, `server: ${server}`)),
      ]);
      const { edits, problems } = takeOver(objects);
      assert.deepEqual([edits, problems], [{ controlPlaneEndpoint }, []]);
      const settings = { ...base, ...edits };
      assert.deepEqual(checkSettings(mapping(settingsShape), settings), []);
      const second = takeOver(objects, settings);
      assert.deepEqual([second.edits, second.problems, second.changes], [{}, [], []]);
      assert.equal(
        settingsOfCluster(undefined, dataOf(objects[4] as LiveObject)["kubeconfig.conf"]).settings
          .controlPlaneEndpoint,
        controlPlaneEndpoint,
      );
    });
  }

  test("a default that somebody has written out is kept where it changes with the version, or says more", () => {
    const written = text((old) =>
      old
        .replace('mode: ""', "mode: iptables")
        .replace('metricsBindAddress: ""', "metricsBindAddress: 127.0.0.1:10249"),
    );
    const settings = { ...base, kubernetesVersion: "v1.36.0" };
    const objects = liveObjects(settings).map((object) =>
      object.kind === "ConfigMap" ? (put(object, configuration, written) as LiveObject) : object,
    );
    const { edits } = takeOverOf(objects, { settings, cluster: settings, owner });
    assert.deepEqual(edits, { configuration: { mode: "iptables", metricsBindAddress: "127.0.0.1:10249" } });
  });

  test("what the API server and kubectl write for themselves is no edit", () => {
    const kubectl = "kubectl.kubernetes.io";
    const { edits, problems, keepsPods } = takeOver(
      changed(
        "DaemonSet",
        [["metadata", "annotations", `${kubectl}/last-applied-configuration`], to("{}")],
        [
          ["spec", "template", "metadata", "annotations", `${kubectl}/restartedAt`],
          to("2026-11-26T10:00:00Z"),
        ],
      ),
    );
    assert.deepEqual({ edits, problems, keepsPods }, { edits: {}, problems: [], keepsPods: true });
  });
});
