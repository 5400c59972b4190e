import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { stringify } from "yaml";
import { checks } from "../../../components/preflight/index.ts";
import { neverReadyImage } from "../../../lab/index.ts";
import { FaultProxy } from "../recovery/faultProxy.ts";
import { eventually, type Scenario } from "../scenario.ts";
import { useLab } from "../useLab.ts";
import {
  adopter,
  meanwhile,
  otherProxies,
  pools,
  quota,
  selecting,
  sickNodes,
  staticPod,
  stealFromStorage,
  webhook,
} from "./objects.ts";
import { testFaultsOnTheWay, testVersions } from "./versions.ts";

const names = checks.map(({ name }) => name);
const restart = { restart: "2" };

/** A warning of the program; the CLI has one of its own for plugins that it finds on PATH. */
const warned = /warning: (?!using pulumi-resource-)|not checked/;

suite("the cluster is checked before anything is done", () => {
  const at = useLab({ name: "e2e-preflight", nodes: 3 });
  const folder = mkdtempSync(join(tmpdir(), "kube-proxy-preflight-"));
  const fired = new Set<string>();
  let scenario: Scenario;
  let untouched: string[];
  before(async () => {
    scenario = await at.open();
    untouched = await scenario.cluster.fingerprint();
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const kubectl = (...args: string[]) => scenario.cluster.kubectl(args);
  const pipe = (args: string[], ...objects: (object | string)[]) => {
    const texts = objects.map((one) => (typeof one === "string" ? one : stringify(one)));
    return scenario.cluster.kubectl([...args, "-f", "-"], texts.join("---\n"));
  };

  /** What the checks say in a preview with this config, by the check's name. Neither engine nor config changes by it. */
  async function preview(config: Record<string, unknown> = {}) {
    await scenario.stack.setConfig(config);
    const { ok, output } = await scenario.stack.preview();
    const keys = Object.keys(config).map((key) => [key, defaults[key]]);
    await scenario.stack.setConfig(Object.fromEntries(keys) as Record<string, unknown>);
    assert.doesNotMatch(output, /^\s+at .*\.[jt]s:\d+/m, "a stack trace");
    const lines = output.split("\n").filter((line) => !line.includes("not checked: "));
    const said = names.filter((name) => lines.some((line) => new RegExp(`(^|\\s)${name}: `).test(line)));
    return { ok, output, said };
  }

  const defaults: Record<string, unknown> = {
    kubernetesVersion: "v1.37.2",
    controlPlaneEndpoint: "192.0.2.10:6443",
    podSubnet: "10.244.0.0/16",
    restart: undefined,
    get kubeconfig() {
      return at.lab.kubeconfig;
    },
  };

  /** A preview in which exactly these checks say something. */
  async function fires(expected: readonly string[], config: Record<string, unknown> = {}) {
    const { ok, output, said } = await preview(config);
    assert.deepEqual(said.toSorted(), expected.toSorted(), output);
    for (const name of expected) fired.add(name);
    return { ok, output };
  }

  /** A preview that is refused for these checks. */
  async function refused(expected: readonly string[], config: Record<string, unknown> = {}): Promise<string> {
    const { ok, output } = await fires(expected, config);
    assert.ok(!ok, output);
    assert.match(output, /problems? in the cluster; nothing was changed:/);
    return output;
  }

  const setSystem = (info: Record<string, string>) =>
    kubectl(
      ...["patch", "node", "node-0001", "--subresource=status"],
      ...["-p", JSON.stringify({ status: { nodeInfo: info } })],
    );
  const system = {
    ...{ kubeletVersion: "v1.37.2", kernelVersion: "6.12.0-kwok", operatingSystem: "linux" },
    ...{
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      osImage: "kwok (no operating system)",
    },
  };
  const tools = { preview, fires, refused, setSystem, system };

  suite("on a cluster without a kube-proxy", () => {
    test("where nothing is wrong, nothing is said", async () => {
      const { ok, output } = await fires([]);
      assert.ok(ok, output);
      assert.doesNotMatch(output, warned);
    });

    test("another cluster than the stack's is refused before anything else", async () => {
      const uid = await kubectl("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}");
      await scenario.stack.setConfig({ clusterId: "another", restrat: "a slip" });
      const { ok, output } = await preview();
      await scenario.stack.setConfig({ clusterId: uid, restrat: undefined });
      assert.ok(!ok);
      assert.match(output, /1 problem in the stack's config/);
      assert.match(output, new RegExp(`clusterId: "another" is not accepted; accepted: ${uid}, UID of`));
    });

    testVersions(tools);

    test("addresses", async () => {
      await refused(["pod-subnet"], { podSubnet: "10.245.0.0/16" });
      await refused(["ip-families"], { podSubnet: "fd00:10:244::/56" });
      await refused(["endpoint-service-ip"], { controlPlaneEndpoint: "10.96.0.1:443" });
      await refused(["endpoint-unknown"], { controlPlaneEndpoint: "192.0.2.11:6443" });
      const role = "node-role.kubernetes.io/control-plane";
      await meanwhile(
        () => kubectl("label", "node", "node-0001", "node-0002", `${role}=`),
        () => fires(["endpoint-single-node"], { controlPlaneEndpoint: "198.18.0.1:6443" }),
        () => kubectl("label", "node", "node-0001", "node-0002", `${role}-`),
      );
    });

    test("admission, and what admission needs; each check can be ignored with a reason", async () => {
      const role = await kubectl("get", "clusterrole", "system:node-proxier", "-o", "yaml");
      const enforce = "pod-security.kubernetes.io/enforce";
      const expected = [
        "admission-webhook",
        "resource-quota",
        "pod-security",
        "node-proxier-role",
        "priority-class",
      ];
      let putBack = () => Promise.resolve();
      await meanwhile(
        async () => {
          await pipe(["apply"], webhook, quota);
          await kubectl("wait", "resourcequota/limits", "--for=jsonpath={.status.hard}");
          await kubectl("label", "namespace", "kube-system", `${enforce}=baseline`);
          await kubectl("delete", "clusterrole", "system:node-proxier");
          putBack = await stealFromStorage(at.lab, "priorityclasses/system-node-critical");
        },
        async () => {
          const output = await refused(expected);
          assert.match(output, /MutatingWebhookConfiguration policy, webhook pods\.example\.com/);
          assert.match(output, /config set --path ignorePreflightErrors\.node-proxier-role "why"/);
          const ignorePreflightErrors = Object.fromEntries(
            expected.map((name) => [name, `meant to be so, ${name}`]),
          );
          const ignored = await preview({ ignorePreflightErrors });
          assert.ok(ignored.ok, ignored.output);
          for (const name of expected) {
            assert.match(ignored.output, new RegExp(`${name}: ignored \\(meant to be so, ${name}\\): `));
          }
        },
        async () => {
          await putBack();
          await pipe(["delete", "--ignore-not-found"], webhook, quota);
          await kubectl("label", "namespace", "kube-system", `${enforce}-`);
          await pipe(["apply"], role);
        },
      );
    });

    test("another kube-proxy, or what does its work", async () => {
      const uid = await kubectl("get", "node", "node-0001", "-o", "jsonpath={.metadata.uid}");
      const pod = staticPod("node-0001", uid);
      await meanwhile(
        async () => {
          await pipe(["--namespace=default", "apply"], ...otherProxies);
          await pipe(["apply"], pod);
          await setSystem({ kubeletVersion: "v1.37.2+k3s1" });
        },
        async () => {
          const output = await refused(["other-proxy"]);
          const found = [
            "DaemonSet default/second: ",
            "Cilium: ",
            "static pods kube-system/kube-proxy-node-0001: ",
            "Node node-0001: k3s",
          ];
          for (const what of found) {
            assert.ok(output.includes(what), `${what} in:\n${output}`);
          }
          assert.ok(!output.includes("DaemonSet default/cilium: "), output);
        },
        async () => {
          await setSystem(system);
          await pipe(["--namespace=default", "delete", "--ignore-not-found"], ...otherProxies);
          await pipe(["delete", "--force", "--ignore-not-found"], pod);
        },
      );
    });

    test("a first pool without a node", async () => {
      await refused(["empty-pool"], { pools });
    });

    test("a check that does not exist, and a reason that is none", async () => {
      const { ok, output } = await preview({ ignorePreflightErrors: { "node-oss": "x", rights: "" } });
      assert.ok(!ok);
      assert.match(
        output,
        /ignorePreflightErrors\.node-oss: no such check; did you mean node-os\?; there are /,
      );
      assert.match(output, /ignorePreflightErrors\.rights: "" is not accepted; accepted: the reason/);
    });

    test("nothing of all this has touched anything", async () => {
      assert.deepEqual(await scenario.cluster.fingerprint(), untouched);
    });
  });

  suite("on a cluster with a kube-proxy", () => {
    before(async () => {
      await scenario.up();
      untouched = await scenario.cluster.fingerprint();
    });

    const settled = () =>
      eventually("every node has its pod", async () => {
        const status = (await scenario.cluster.daemonSet())?.status;
        return status?.desiredNumberScheduled === 3 && status.numberAvailable === 3;
      });

    const wanted = (count: number) =>
      eventually(`${count} pods are wanted`, async () => {
        return (await scenario.cluster.daemonSet())?.status.desiredNumberScheduled === count;
      });

    test("where nothing is wrong, a restart is as silent", async () => {
      const { ok, output } = await fires([], restart);
      assert.ok(ok, output);
      assert.doesNotMatch(output, warned);
    });

    testFaultsOnTheWay(tools);

    test("nodes that are not well", async () => {
      await meanwhile(
        async () => {
          await pipe(["create"], ...sickNodes);
          await kubectl("cordon", "node-0002");
          await wanted(5);
        },
        async () => {
          const { ok, output } = await fires(
            ["node-unreachable", "node-not-ready", "node-cordoned", "rollout-running"],
            restart,
          );
          assert.ok(ok, output);
          assert.match(output, /node-unreachable: Node lost: /);
          assert.match(output, /node-not-ready: Node ill: /);
          assert.match(output, /node-cordoned: Node node-0002: /);
        },
        async () => {
          await kubectl("uncordon", "node-0002");
          await kubectl("delete", "node", "--ignore-not-found", "lost", "ill");
          // Theirs were never scheduled; they are there, and counted, until the controller that collects them comes round.
          await kubectl("delete", "pods", "--force", "--field-selector=status.phase=Pending");
          await settled();
        },
      );
    });

    test("rights: those of the coming up alone", async () => {
      const account = "viewer";
      await kubectl("create", "serviceaccount", account);
      const bind = (name: string, role: string) => {
        const how = [`--clusterrole=${role}`, `--serviceaccount=kube-system:${account}`];
        return kubectl("create", "clusterrolebinding", name, ...how);
      };
      await bind(account, "view");
      // Beside what `view` allows: whatever decides what an update does.
      const resources = "nodes,clusterrolebindings,roles,rolebindings";
      await kubectl("create", "clusterrole", account, "--verb=get,list", `--resource=${resources}`);
      await bind(`${account}-more`, account);
      const token = (await kubectl("create", "token", account)).trim();
      const path = join(folder, account);
      const own = readFileSync(at.lab.kubeconfig, "utf8")
        .replace(/client-certificate(-data)?: .*\n/, `token: ${token}\n`)
        .replace(/ *client-key(-data)?: .*\n/, "");
      writeFileSync(path, own, { mode: 0o600 });
      const wanted = { ...restart, snapshotIn: "cluster", kubeconfig: path };
      const { ok, output } = await fires(["rights"], wanted);
      assert.ok(ok, "whoever may only read may preview");
      assert.match(output, /rights: your user: may not delete daemonsets\.apps kube-proxy in kube-system/);
      assert.doesNotMatch(output, /may not create serviceaccounts/);
      assert.match(output, /may not create secrets in kube-proxy-snapshots, which this update needs/);
      assert.match(output, /not checked: admission-webhook: the webhooks cannot be read: 403 /);
      assert.doesNotMatch(output, new RegExp(token));
      await scenario.stack.setConfig(wanted);
      const update = await scenario.stack.up();
      const { kubeconfig } = at.lab;
      await scenario.stack.setConfig({ restart: undefined, snapshotIn: undefined, kubeconfig });
      assert.ok(!update.ok, update.output);
      assert.match(
        update.output,
        /problems in the cluster; nothing was changed:\n +rights: your user: may not /,
      );
    });

    suite("half broken", () => {
      let proxy: FaultProxy;
      before(async () => {
        proxy = await FaultProxy.start(at.lab);
      });
      after(() => proxy.stop());

      const webhooks = "GET /apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";

      for (const [fault, reason] of [
        ["internalError", /500 InternalError by the fault-injecting proxy/],
        ["refuse", /other side closed|ECONNRESET|socket/],
      ] as const) {
        test(`a list that fails is told, and is no pass: ${fault}`, async () => {
          const injected = proxy.inject(fault, webhooks);
          const { ok, output, said } = await preview({ ...restart, kubeconfig: proxy.kubeconfig });
          assert.ok(injected.met);
          assert.ok(ok, output);
          assert.deepEqual(said, []);
          assert.match(output, /not checked: admission-webhook: the webhooks cannot be read: /);
          assert.match(output, reason);
        });
      }

      test("a list that the API server is too busy for is asked for again", async () => {
        const injected = proxy.inject("tooManyRequests", webhooks);
        const { ok, output } = await preview({ ...restart, kubeconfig: proxy.kubeconfig });
        assert.ok(injected.met);
        assert.ok(ok, output);
        assert.doesNotMatch(output, /not checked/);
      });

      test("without the nodes nothing is done: a guess could restart what nobody meant", async () => {
        proxy.inject("internalError", "GET /api/v1/nodes");
        const { ok, output } = await preview({ ...restart, kubeconfig: proxy.kubeconfig });
        assert.ok(!ok, output);
        assert.match(output, / in reading the cluster;.*\n +the nodes: cannot be read: 500 Internal/);
      });

      test("an answer that comes late is an answer", async () => {
        proxy.inject("slow", "GET /api/v1/nodes");
        const { ok, output } = await preview({ ...restart, kubeconfig: proxy.kubeconfig });
        assert.ok(ok, output);
        assert.match(output, /DaemonSet kube-proxy is restarted/);
        assert.doesNotMatch(output, /not checked/);
      });
    });

    test("a controller that would adopt the pods which a restart leaves behind", async () => {
      await meanwhile(
        () => pipe(["apply"], adopter),
        () => refused(["pod-adopter"], restart),
        () => pipe(["delete", "--ignore-not-found"], adopter),
      );
    });

    test("nothing of all this has touched anything", async () => {
      assert.deepEqual(await scenario.cluster.fingerprint(), untouched);
    });

    test("a rollout that is stuck is told, and mended by the next up", async () => {
      await kubectl("set", "image", "daemonset/kube-proxy", `kube-proxy=${neverReadyImage}`);
      const { ok, output } = await fires(["rollout-running"], restart);
      assert.ok(ok, output);
      await scenario.up();
      await fires([], restart);
    });

    test("a DaemonSet that somebody has kept from every node is told before its pods start", async () => {
      const select = (value: string | null) =>
        kubectl("patch", "daemonset/kube-proxy", "--type=merge", "-p", selecting({ "non-calico": value }));
      await select("true").then(() => wanted(0));
      assert.ok((await fires(["switched-off"], restart)).ok);
      await select(null).then(settled);
    });

    test("every check has fired", () => {
      assert.deepEqual([...fired].sort(), names.toSorted());
    });
  });
});
