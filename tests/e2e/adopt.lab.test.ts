import assert from "node:assert/strict";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { parse } from "yaml";
import { kubeadm } from "../../lab/index.ts";
import { FaultProxy } from "./recovery/faultProxy.ts";
import { allServe, groups, installKubeadms, kubeadms, recorded, uninstallKubeadms } from "./kubeadms.ts";
import { changesOf, Cluster, eventually, type LivePod, type Scenario } from "./scenario.ts";
import { useLab } from "./useLab.ts";

const nodes = 3;

/** What the README says of an existing cluster: nothing but this. */
const readme = { kubernetesVersion: "", controlPlaneEndpoint: "", podSubnet: "", adopt: true };

suite("on a cluster where kubeadm has installed kube-proxy", () => {
  const at = useLab({ name: "e2e-adopt", nodes, kubeadm: true });
  let cluster: Cluster;
  let original: string;
  before(async () => {
    cluster = new Cluster(at.lab);
    original = await cluster.kubectl(["get", ...kubeadms, "-o", "json"]);
  });

  const uids = (pods: readonly LivePod[]) => pods.map(({ metadata }) => metadata.uid).sort();
  const pods = async () => uids(await cluster.pods());
  const generation = async () => (await cluster.daemonSet())?.metadata.generation;
  const isEmpty = async (scenario: Scenario, config = {}) => {
    await scenario.stack.setConfig(config);
    const preview = await scenario.stack.preview();
    assert.ok(preview.ok, preview.output);
    assert.deepEqual(changesOf(preview), []);
    assert.doesNotMatch(preview.output, /own settings are used|^.*kubeadm (overwrites|makes)/m);
  };

  const install = (json: string) => installKubeadms(cluster, json, nodes);
  const uninstall = () => uninstallKubeadms(cluster);
  const awaitPods = () => allServe(cluster, nodes);

  suite("the README's three lines", () => {
    let scenario: Scenario;
    before(async () => {
      scenario = await at.open(readme);
    });

    test("the first preview says what is taken over, what changes, and where each setting comes from", async () => {
      const untouched = await cluster.fingerprint();
      const { ok, output, ...preview } = await scenario.stack.preview();
      assert.ok(ok, output);
      assert.match(output, /kubernetesVersion v1\.37\.2, from ConfigMap kube-system\/kubeadm-config/);
      assert.match(output, /controlPlaneEndpoint 192\.0\.2\.10:6443, from ConfigMap kube-system\/kube-proxy/);
      assert.match(output, /podSubnet 10\.244\.0\.0\/16, from ConfigMap kube-system\/kubeadm-config/);
      assert.match(
        output,
        /DaemonSet kube-system\/kube-proxy: taken over as they are, and no pod restarts\./,
      );
      assert.equal(preview.steps.filter(({ op }) => op === "import").length, kubeadms.length);
      assert.deepEqual(await cluster.fingerprint(), untouched);
    });

    test("own kube-proxy, and no pod restarts", async () => {
      const [before, running] = [await cluster.fingerprint(), await pods()];
      await scenario.up();
      // UID and generation are the same; a ConfigMap has no generation, and is not even written.
      assert.deepEqual(await cluster.fingerprint(), before);
      assert.deepEqual(await pods(), running);
    });

    test("then nothing is left to do, with adopt and without", async () => {
      await isEmpty(scenario);
      await isEmpty(scenario, { adopt: false });
      await isEmpty(scenario, { adopt: true });
    });

    test("what somebody restarts by kubectl is not restarted again by what changes beside the pods", async () => {
      await cluster.kubectl(["rollout", "restart", "daemonset/kube-proxy"]);
      await cluster.kubectl(["rollout", "status", "daemonset/kube-proxy", "--timeout=60s"]);
      const [running, before] = [await pods(), await generation()];
      await scenario.up({ metadata: { labels: { team: "network" } } });
      assert.deepEqual(await pods(), running);
      assert.equal(await generation(), before);
      await isEmpty(scenario);
    });

    test("a changed configuration reaches the pods, whoever has written to the ConfigMap", async () => {
      const edit = ["patch", "configmap/kube-proxy", "--type=merge"];
      // The last one is Cluster API's.
      for (const [index, manager] of ["kubectl-edit", "kubeadm", "manager"].entries()) {
        const [before, running] = [await cluster.daemonSet(), await pods()];
        const data = { "config.conf": `# ${manager}\n` };
        await cluster.kubectl([...edit, `--field-manager=${manager}`, "-p", JSON.stringify({ data })]);
        const syncPeriod = `${31 + index}s`;
        await scenario.up({ configuration: { iptables: { syncPeriod } } });
        const live = JSON.parse(await cluster.kubectl(["get", "configmap/kube-proxy", "-o", "json"])) as {
          data: Record<string, string>;
        };
        assert.match(live.data["config.conf"] ?? "", new RegExp(`syncPeriod: ${syncPeriod}`));
        assert.equal((await cluster.daemonSet())?.metadata.uid, before?.metadata.uid);
        assert.ok(
          (await pods()).every((uid) => !running.includes(uid)),
          manager,
        );
      }
      await isEmpty(scenario);
    });

    test("a new token replaces the DaemonSet and rolls every pod, with adopt left on", async () => {
      const [before, running] = [await cluster.daemonSet(), await pods()];
      await scenario.up({ restart: "after adoption" });
      assert.notEqual((await cluster.daemonSet())?.metadata.uid, before?.metadata.uid);
      assert.ok((await pods()).every((uid) => !running.includes(uid)));
      await isEmpty(scenario);
    });

    test("what kubeadm writes anew is taken over again: a token in force restarts no pod, a new one all", async () => {
      const overwrite = async () => {
        const config = join(at.lab.dir, "kubeadm.yaml");
        const { code, stderr } = await kubeadm(at.lab, [
          "init",
          "phase",
          "addon",
          "kube-proxy",
          "--config",
          config,
        ]);
        assert.equal(code, 0, stderr);
        await cluster.kubectl(["rollout", "status", "daemonset/kube-proxy", "--timeout=60s"]);
        await awaitPods();
      };
      await scenario.up({ configuration: {}, metadata: {} });
      await overwrite();
      const running = await pods();
      await scenario.up();
      assert.deepEqual(await pods(), running);
      const token = (await cluster.daemonSet())?.metadata.annotations?.["kube-proxy/restart"];
      assert.equal(token, "after adoption");
      await isEmpty(scenario);

      await overwrite();
      const before = await pods();
      const { output } = await scenario.up({ restart: "with kubeadm" });
      assert.match(output, /changed: restart: the pods, in place, for the new token/);
      assert.match(output, new RegExp(`${nodes} of ${nodes} nodes verified`));
      assert.ok((await pods()).every((uid) => !before.includes(uid)));
      await isEmpty(scenario);
    });

    test("in the middle of an upgrade of the control plane a restart keeps the version that runs", async () => {
      const config = JSON.parse(await cluster.kubectl(["get", "configmap/kubeadm-config", "-o", "json"])) as {
        data: { ClusterConfiguration: string };
      };
      const setVersion = async (version: string) => {
        const ClusterConfiguration = config.data.ClusterConfiguration.replace(
          /^kubernetesVersion: .*$/m,
          `kubernetesVersion: ${version}`,
        );
        const data = JSON.stringify({ data: { ClusterConfiguration } });
        await cluster.kubectl(["patch", "configmap/kubeadm-config", "--type=merge", "-p", data]);
      };
      const image = async () => (await cluster.daemonSet())?.spec.template.spec.containers[0]?.image ?? "";
      await setVersion("v1.37.1");
      await scenario.up({ restart: "in the upgrade" });
      assert.match(await image(), /:v1\.37\.2$/);
      const { output } = await scenario.stack.preview();
      assert.match(output, /DaemonSet kube-proxy changes: image \S+:v1\.37\.2 -> \S+:v1\.37\.1/);
      await scenario.up();
      assert.match(await image(), /:v1\.37\.1$/);
      await setVersion("v1.37.2");
      await scenario.up();
    });

    test("destroy removes what was taken over", async () => {
      await scenario.destroy();
      assert.deepEqual(await cluster.fingerprint(), []);
      assert.deepEqual(await pods(), []);
    });
  });

  suite("what somebody has edited", () => {
    let scenario: Scenario;
    before(async () => {
      await install(original);
      scenario = await at.open(readme);
    });
    const refused = async (...messages: RegExp[]): Promise<string> => {
      const untouched = await cluster.fingerprint();
      const { ok, output } = await scenario.stack.up();
      assert.ok(!ok, "up went through");
      for (const message of messages) {
        assert.match(output, message);
      }
      assert.doesNotMatch(output, /^\s+at .*\.[jt]s:\d+/m, "a stack trace");
      assert.deepEqual(await cluster.fingerprint(), untouched);
      return output;
    };

    test("is kept by settings that are printed, and nothing is taken over before they are set", async () => {
      const template = {
        metadata: { annotations: { "example.com/scrape": "true" }, labels: { tier: "net" } },
        spec: {
          nodeSelector: { "kubernetes.io/os": "linux" },
          tolerations: [{ key: "dedicated", operator: "Exists" }, { operator: "Exists" }],
          containers: [
            {
              name: "kube-proxy",
              resources: { requests: { cpu: "50m" } },
              command: [
                "/usr/local/bin/kube-proxy",
                "--config=/var/lib/kube-proxy/config.conf",
                "--hostname-override=$(NODE_NAME)",
                "--v=4",
              ],
              "$setElementOrder/env": [{ name: "NODE_NAME" }, { name: "HTTPS_PROXY" }],
              env: [{ name: "HTTPS_PROXY", value: "http://me:hidden@proxy:3128" }],
            },
          ],
        },
      };
      const patch = {
        metadata: { annotations: { owner: "network" } },
        spec: { updateStrategy: { rollingUpdate: { maxUnavailable: 2 } }, template },
      };
      await cluster.kubectl([
        ...["patch", "daemonset/kube-proxy", "--field-manager=kubectl-edit"],
        ...["-p", JSON.stringify(patch)],
      ]);
      const live = JSON.parse(await cluster.kubectl(["get", "configmap/kube-proxy", "-o", "json"])) as {
        data: Record<string, string>;
      };
      const edited = `# by hand\n${live.data["config.conf"]?.replace("strictARP: false", "strictARP: true") ?? ""}`;
      const data = JSON.stringify({ data: { "config.conf": edited } });
      await cluster.kubectl(["patch", "configmap/kube-proxy", "--type=merge", "-p", data]);
      await cluster.kubectl(["rollout", "status", "daemonset/kube-proxy", "--timeout=60s"]);
      await awaitPods();

      const output = await refused(/Keep that by these lines in the stack's config file/);
      assert.doesNotMatch(output, /hidden/, "a password in a log");
      assert.doesNotMatch(output, /Warning: /, "Node.js warns of a promise");
      const printed = /^( +)kube-proxy:\w+:\n(?:\1.*\n)*/m.exec(output)?.[0] ?? "";
      const lines = parse(printed.replace("VALUE", "http://me:hidden@proxy:3128")) as Record<string, unknown>;
      const settings = Object.fromEntries(
        Object.entries(lines).map(([key, value]) => [key.replace("kube-proxy:", ""), value]),
      );
      assert.deepEqual(Object.keys(settings).sort(), [
        "configuration",
        "env",
        "extraArgs",
        "metadata",
        "podMetadata",
        "resources",
        "tolerations",
        "updateStrategy",
      ]);

      const [running, before] = [await pods(), await generation()];
      const { output: said } = await scenario.up(settings);
      assert.match(said, /ConfigMap: config\.conf is written as kubeadm writes it, and means the same/);
      assert.deepEqual(await pods(), running);
      assert.equal(await generation(), before);
      await isEmpty(scenario);
      await scenario.destroy();
    });

    test("is refused where no setting can keep it, and where it is somebody else's", async () => {
      await install(original);
      await cluster.kubectl(["label", "role/kube-proxy", "app.kubernetes.io/managed-by=Helm"]);
      await cluster.kubectl([
        "annotate",
        "daemonset/kube-proxy",
        "kube-proxy/owner=organization/kube-proxy/other",
      ]);
      scenario = await at.open(readme);
      await refused(
        /Role kube-system\/kube-proxy: "belongs to Helm \(label app\.kubernetes\.io\/managed-by\)"/,
        /DaemonSet kube-system\/kube-proxy: "belongs to Pulumi stack organization\/kube-proxy\/other/,
      );
      await cluster.kubectl(["label", "role/kube-proxy", "app.kubernetes.io/managed-by-"]);
      await cluster.kubectl(["annotate", "daemonset/kube-proxy", "kube-proxy/owner-"]);

      const data = { more: "x", "config.conf": "mod: nftables\n" };
      const merge = ["patch", "configmap/kube-proxy", "--type=merge", "-p"];
      await cluster.kubectl([...merge, JSON.stringify({ data, immutable: true })]);
      await refused(
        /ConfigMap kube-system\/kube-proxy, config\.conf, apiVersion: is required/,
        /ConfigMap kube-system\/kube-proxy, config\.conf, mod: unknown key; did you mean mode\?/,
        /ConfigMap kube-system\/kube-proxy, data\.more: "x" is not accepted/,
        /ConfigMap kube-system\/kube-proxy, immutable: true is not accepted/,
      );
    });
  });

  test("an update that is killed in the middle goes on with the next one", async () => {
    await install(original);
    const running = await pods();
    const scenario = await at.open(readme);
    const update = scenario.stack.startUp();
    await eventually("the DaemonSet is written to", async () => {
      return (await cluster.daemonSet())?.metadata.annotations?.["kube-proxy/restart"] !== undefined;
    });
    update.kill();
    await update.done;
    await scenario.stack.cancel();
    await scenario.up();
    assert.deepEqual(await pods(), running);
    await isEmpty(scenario);
    await isEmpty(scenario, { adopt: false });
    await scenario.destroy();
  });

  test("one that hears nothing of its write to the DaemonSet restarts no pod with the next one either", async () => {
    await install(original);
    const running = await pods();
    const proxy = await FaultProxy.start(at.lab);
    try {
      const scenario = await at.open({ ...readme, kubeconfig: proxy.kubeconfig });
      const path = "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy";
      const cut = proxy.inject("cut", `PATCH ${path}`);
      const { output } = await scenario.stack.up();
      assert.ok(cut.met, output);
      await scenario.up();
      assert.deepEqual(await pods(), running);
      await isEmpty(scenario);
      await scenario.destroy();
    } finally {
      await proxy.stop();
    }
  });

  suite("of each minor that kubeadm has made other objects in", () => {
    for (const minor of groups) {
      test(`1.${minor}: the same objects, the same pods, and nothing left to do`, async () => {
        const { objects, clusterConfiguration } = recorded(minor);
        const data = JSON.stringify({ data: { ClusterConfiguration: clusterConfiguration } });
        await cluster.kubectl(["patch", "configmap/kubeadm-config", "--type=merge", "-p", data]);
        await install(JSON.stringify({ items: objects }));
        const [before, running] = [await cluster.fingerprint(), await pods()];
        const scenario = await at.open(readme);
        await scenario.up();
        assert.deepEqual(await cluster.fingerprint(), before);
        assert.deepEqual(await pods(), running);
        await isEmpty(scenario, { adopt: false });
      });
    }
  });

  test("with nothing to take over it provisions", async () => {
    await uninstall();
    const scenario = await at.open({ ...readme, controlPlaneEndpoint: "192.0.2.10:6443" });
    await scenario.up();
    assert.equal((await cluster.daemonSet())?.status.numberAvailable, nodes);
    await isEmpty(scenario);
    await scenario.destroy();
  });
});
