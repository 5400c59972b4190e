import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { suite, test } from "node:test";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { ClusterRoleChoice, KubeProxy, type KubeProxyArgs, RestartStrategy } from "../../components/index.ts";
import { templateGenerationAnnotation } from "../../components/restart/restart.ts";
import { at, find, named, type Registration, registrationsOf, valueOf } from "./registration.ts";

const plain = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" };
const args: KubeProxyArgs = plain;

const declare = (more: Partial<KubeProxyArgs> = {}, opts?: pulumi.ComponentResourceOptions) =>
  registrationsOf(() => new KubeProxy("kube-proxy", { ...args, ...more }, opts));

suite("KubeProxy", () => {
  test("registers kubeadm's six objects and its commands below the component", async () => {
    const registrations = await declare();
    assert.deepEqual(
      registrations.map(({ type, name }) => `${type} ${name}`).sort(),
      [
        "command:local:Command kube-proxy-layout",
        "command:local:Command kube-proxy-orphans",
        "command:local:Command kube-proxy-rules",
        "command:local:Command kube-proxy-snapshot",
        "command:local:Command kube-proxy-test-namespace",
        "command:local:Command kube-proxy-test-service",
        "command:local:Command kube-proxy-verify",
        "kube-proxy:index:KubeProxy kube-proxy",
        "kubernetes:apps/v1:DaemonSet kube-proxy-daemon-set",
        "kubernetes:core/v1:ConfigMap kube-proxy-config-map",
        "kubernetes:core/v1:ServiceAccount kube-proxy-service-account",
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding kube-proxy-cluster-role-binding",
        "kubernetes:rbac.authorization.k8s.io/v1:Role kube-proxy-role",
        "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding kube-proxy-role-binding",
      ].sort(),
    );
    for (const { parent, name } of registrations.slice(1)) {
      assert.match(parent, /kube-proxy:index:KubeProxy::kube-proxy$/, name);
    }
  });

  test("takes its children's names from its own", async () => {
    const registrations = await registrationsOf(() => new KubeProxy("other", args));
    assert.deepEqual(
      registrations.filter(({ name }) => !name.startsWith("other")),
      [],
    );
  });

  test("creates its own ClusterRole and binds it when asked", async () => {
    const registrations = await declare({ clusterRole: ClusterRoleChoice.create });
    const role = find(registrations, "ClusterRole");
    const binding = find(registrations, "ClusterRoleBinding");
    assert.equal(at(binding, "roleRef", "name"), at(role, "metadata", "name"));
    assert.ok(binding.dependencies.some((urn) => urn.includes("ClusterRole::")));
  });

  test("hands the caller's provider to every child", async () => {
    const registrations = await registrationsOf(() => {
      const provider = new kubernetes.Provider("mine", { context: "mine" });
      new KubeProxy("kube-proxy", args, { provider });
    });
    for (const { type, provider } of registrations.filter(isObject)) {
      assert.match(provider, /::mine::/, type);
    }
  });

  test("gives the DaemonSets and the token as outputs, with who restarted them and when", async () => {
    let kubeProxy: KubeProxy | undefined;
    const restart = pulumi.output("later");
    const began = new Date().toISOString();
    const registrations = await registrationsOf(() => {
      kubeProxy = new KubeProxy("kube-proxy", { ...args, restart, image: "example.com/p:1" });
    });
    assert.ok(kubeProxy);
    const [state, ...others] = await valueOf(kubeProxy.daemonSets);
    assert.ok(state);
    assert.deepEqual(others, []);
    const { restartedBy, restartedAt, configHash, ...rest } = state;
    assert.deepEqual(rest, {
      name: "kube-proxy",
      uid: "kube-proxy-daemon-set-uid",
      image: "example.com/p:1",
      restart: "later",
    });
    assert.equal(configHash, podAnnotations(find(registrations, "DaemonSet"))["kube-proxy/config-hash"]);
    assert.match(restartedBy, /.@.|^https:/);
    assert.ok(restartedAt >= began && restartedAt <= new Date().toISOString());
    assert.equal(await valueOf(kubeProxy.restart), "later");
  });
});

suite("mistakes in the arguments", () => {
  test("end the program with all of them named, before any object is registered", () => {
    const fixture = join(import.meta.dirname, "fixtures", "mistakes.ts");
    const { stdout } = spawnSync(process.execPath, [fixture], { encoding: "utf8", timeout: 60_000 });
    const { types, messages } = JSON.parse(stdout) as { types: string[]; messages: string[] };
    assert.deepEqual(types, ["kube-proxy:index:KubeProxy"]);
    assert.equal(messages.length, 1);
    assert.match(messages[0] ?? "", /^2 problems in the arguments of KubeProxy; nothing was changed:\n/);
    assert.match(messages[0] ?? "", /^ {2}kubernetesVersion: "1\.37" is not accepted/m);
    assert.match(messages[0] ?? "", /^ {2}controlPlaneEndpoint: "api:port" is not accepted/m);
  });
});

suite("traps of the real engine", () => {
  test("create-before-delete would delete the new DaemonSet: deleteBeforeReplace is explicit, on every fixed name", async () => {
    const registrations = await declare({ clusterRole: ClusterRoleChoice.create });
    for (const { name, deleteBeforeReplace } of registrations.filter(isObject)) {
      assert.equal(deleteBeforeReplace, true, name);
    }
  });

  test("the token and the layout of pools replace, and nothing else does: replaceOnChanges names two annotations", async () => {
    const daemonSet = find(await declare(), "DaemonSet");
    assert.deepEqual(daemonSet.replaceOnChanges, [
      'metadata.annotations["kube-proxy/restart"]',
      'metadata.annotations["kube-proxy/pools"]',
    ]);
  });

  test("a first annotation is no replacement: the token is there before the first restart", async () => {
    const daemonSet = find(await declare(), "DaemonSet");
    assert.equal(annotations(daemonSet)["kube-proxy/restart"], "initial");
    assert.equal(podAnnotations(daemonSet)["kube-proxy/restart"], "initial");
  });

  test("kube-proxy reads its ConfigMap once: a changed configuration changes the pods", async () => {
    const before = podAnnotations(find(await declare(), "DaemonSet"));
    const after = podAnnotations(find(await declare({ configuration: { mode: "nftables" } }), "DaemonSet"));
    assert.notEqual(before["kube-proxy/config-hash"], after["kube-proxy/config-hash"]);
    assert.equal(before["kube-proxy/restart"], after["kube-proxy/restart"]);
  });

  test("a changed endpoint reaches the pods too, although only kubeconfig.conf names it", async () => {
    const before = podAnnotations(find(await declare(), "DaemonSet"));
    const after = podAnnotations(
      find(await declare({ controlPlaneEndpoint: "api.example.com" }), "DaemonSet"),
    );
    assert.notEqual(before["kube-proxy/config-hash"], after["kube-proxy/config-hash"]);
  });

  test("a replaced ConfigMap must not take the DaemonSet along: its name is a constant, its order a dependsOn", async () => {
    const registrations = await declare();
    const daemonSet = find(registrations, "DaemonSet");
    const spec = at(daemonSet, "spec", "template", "spec") as { volumes: { configMap?: { name: string } }[] };
    assert.equal(spec.volumes[0]?.configMap?.name, "kube-proxy");
    for (const kind of ["ConfigMap", "ServiceAccount", "ClusterRoleBinding"]) {
      assert.ok(
        daemonSet.dependencies.some((urn) => urn.includes(`:${kind}::`)),
        kind,
      );
    }
  });

  test("an import conflicts with manager kubeadm unless fieldRef names its API version", async () => {
    const daemonSet = find(await declare(), "DaemonSet");
    const [container] = at(daemonSet, "spec", "template", "spec", "containers") as { env: unknown[] }[];
    assert.deepEqual(container?.env[0], {
      name: "NODE_NAME",
      valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "spec.nodeName" } },
    });
  });

  test("options of a component are not inherited: the DaemonSet has its own timeouts", async () => {
    const daemonSet = find(await declare({ timeouts: { create: "20m", delete: "90s" } }), "DaemonSet");
    assert.deepEqual(daemonSet.timeouts, { create: "20m", update: "20m", delete: "90s" });
  });

  test("what an interrupted create has left is in the way of every later one: a hook clears each object's way", async () => {
    const hooked = (registrations: readonly Registration[]) =>
      registrations.filter(isObject).map(({ beforeCreate }) => beforeCreate.slice(0, 1));
    const known = await declare({ cluster: { context: "mine" } });
    assert.deepEqual(
      hooked(known),
      hooked(known).map(() => ["kube-proxy-clearing"]),
    );
    // On a guess it might delete something in another cluster than the provider's.
    const unknown = hooked(await declare());
    assert.deepEqual(
      unknown,
      unknown.map(() => []),
    );
  });

  test("a kubeconfig can be replaced in the middle of an update: a hook compares the cluster before each write", async () => {
    for (const { name, beforeCreate, beforeUpdate } of (await declare({ cluster: { id: "1" } })).filter(
      isObject,
    )) {
      // The first hook of a create compares, too.
      assert.equal(beforeCreate[0], "kube-proxy-clearing", name);
      assert.equal(beforeUpdate[0], "kube-proxy-changing", name);
    }
  });

  test("nothing of the program runs in a destroy: a command that depends on everything else is deleted first", async () => {
    const registrations = await declare({ cluster: { id: "1" } });
    const { inputs, dependencies } = named(registrations, "seal");
    assert.equal(inputs["delete"], "compare-cluster");
    assert.deepEqual(
      [inputs["create"], inputs["update"], inputs["triggers"]],
      [undefined, undefined, undefined],
    );
    const others = registrations.slice(1).map(({ name }) => name);
    assert.deepEqual(
      dependencies.map((urn) => urn.split("::").at(-1)).sort(),
      others.filter((name) => name !== "kube-proxy-seal").sort(),
    );
    assert.ok(
      !(await declare()).some(({ name }) => name === "kube-proxy-seal"),
      "there is nothing to compare with",
    );
  });

  test("a cluster that is reached in another way is nothing to run again for: what triggers run does nothing else", async () => {
    const registrations = await declare({ restartNodes: { nodes: ["a"] }, cluster: { id: "1" } });
    for (const { name, inputs } of registrations.filter(({ type }) => type.endsWith(":Command"))) {
      // Without an update it would be created again.
      const again = inputs["update"] ?? inputs["create"] ?? "do-nothing";
      // These find out by themselves whether there is something to do.
      const isMeant = ["kube-proxy-layout", "kube-proxy-test-namespace"].includes(name);
      assert.equal(again !== "do-nothing", isMeant, name);
    }
  });

  test("the pods come last: until then nobody uses what an interrupted create has left", async () => {
    const { dependencies } = find(await declare(), "DaemonSet");
    // The RoleBinding has its Role before it.
    for (const name of ["service-account", "cluster-role-binding", "role-binding", "config-map"]) {
      assert.ok(
        dependencies.some((urn) => urn.endsWith(`::kube-proxy-${name}`)),
        name,
      );
    }
  });

  test("skipAwait would race the deletion, upsert would hide a lost object: neither is ever set", async () => {
    const registrations = await registrationsOf(() => {
      new KubeProxy("kube-proxy", args, { provider: new kubernetes.Provider("cluster", {}) });
    });
    assert.doesNotMatch(JSON.stringify(registrations), /skipAwait|upsertExistingObjects/);
  });
});

suite("traps of a rolling restart", () => {
  test("a deletion goes by what the state has: the orphan policy is there before the first restart", async () => {
    const { "pulumi.com/deletionPropagationPolicy": policy } = annotations(
      find(await declare(), "DaemonSet"),
    );
    assert.equal(policy, "orphan");
  });

  test("adopted pods pass for new ones while the template's number is theirs: each token has its own", async () => {
    const generation = async (restart: string) =>
      annotations(find(await declare({ restart }), "DaemonSet"))[templateGenerationAnnotation];
    assert.match((await generation("a")) ?? "", /^\d+$/);
    assert.notEqual(await generation("a"), await generation("b"));
  });

  test("the API server counts the number up, and every run has another time: ignoreChanges keeps both from being a difference for ever", async () => {
    const { ignoreChanges } = find(await declare(), "DaemonSet");
    assert.deepEqual(ignoreChanges, [
      `metadata.annotations["${templateGenerationAnnotation}"]`,
      'metadata.annotations["kube-proxy/restarted-by"]',
      'metadata.annotations["kube-proxy/restarted-at"]',
    ]);
  });

  test("a destroy leaves pods behind: a command that the DaemonSet depends on removes them, and does nothing before", async () => {
    const registrations = await declare();
    const { inputs } = named(registrations, "orphans");
    assert.match(String((inputs["interpreter"] as string[])[3]), /commands.orphans\.ts$/);
    assert.equal(inputs["delete"], "remove-orphans");
    assert.deepEqual(
      [inputs["create"], inputs["update"], inputs["triggers"]],
      [undefined, undefined, undefined],
    );
    assert.ok(
      find(registrations, "DaemonSet").dependencies.some((urn) => urn.endsWith("kube-proxy-orphans")),
    );
  });

  test("a kubeconfig that is a secret does not make the objects secret", async () => {
    const kubeconfig = pulumi.secret("contexts: []\n");
    let kubeProxy: KubeProxy | undefined;
    await registrationsOf(() => {
      kubeProxy = new KubeProxy("kube-proxy", { ...args, cluster: { kubeconfig } });
    });
    assert.ok(kubeProxy);
    assert.equal(await pulumi.isSecret(kubeProxy.daemonSets), false);
  });

  test("one node at a time is the API's default, too slow for a large fleet: 10 %, unless said otherwise", async () => {
    const bounds = async (more: Partial<KubeProxyArgs>) =>
      at(find(await declare(more), "DaemonSet"), "spec", "updateStrategy");
    assert.deepEqual(await bounds({}), { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "10%" } });
    const own = { updateStrategy: { rollingUpdate: { maxUnavailable: "3" } } };
    assert.deepEqual(await bounds(own), { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 3 } });
    assert.deepEqual(await bounds({ restartStrategy: RestartStrategy.Recreate }), { type: "RollingUpdate" });
  });

  test("Recreate has none of it", async () => {
    const registrations = await declare({ restartStrategy: RestartStrategy.Recreate });
    assert.equal(
      annotations(find(registrations, "DaemonSet"))["pulumi.com/deletionPropagationPolicy"],
      undefined,
    );
    assert.equal(
      registrations.find(({ name }) => name.endsWith("-orphans")),
      undefined,
    );
  });
});

suite("the component's own commands", () => {
  const triggers = async (more: Partial<KubeProxyArgs>) =>
    named(await declare(more), "verify").inputs["triggers"];

  test("a snapshot comes before anything that a restart or a rollout changes, the proof after it", async () => {
    const registrations = await declare();
    for (const kind of ["ConfigMap", "DaemonSet"]) {
      assert.ok(
        find(registrations, kind).dependencies.some((urn) => urn.endsWith("kube-proxy-snapshot")),
        kind,
      );
    }
    const { dependencies } = named(registrations, "verify");
    assert.ok(dependencies.some((urn) => urn.endsWith("kube-proxy-daemon-set")));
  });

  test("both run again with a new token and with changed pods, and with nothing else", async () => {
    const same = await triggers({});
    assert.deepEqual(await triggers({}), same);
    assert.deepEqual(await triggers({ clusterRole: ClusterRoleChoice.create }), same);
    assert.notDeepEqual(await triggers({ restart: "again" }), same);
    assert.notDeepEqual(await triggers({ configuration: { mode: "nftables" } }), same);
    assert.notDeepEqual(await triggers({ resources: { requests: { cpu: "1m" } } }), same);
  });

  test("no value reaches a shell, and no kubeconfig a list of arguments", async () => {
    const evil = "$(touch x) `touch x` ; touch x '\" --help";
    const registrations = await declare({
      restart: evil,
      snapshotFolder: evil,
      cluster: { context: evil, kubeconfig: "contexts: []\nusers: [secret]\n" },
    });
    for (const { inputs, name } of registrations.filter(({ type }) => type.endsWith(":Command"))) {
      const [program, , , script, ...args] = inputs["interpreter"] as string[];
      assert.equal(program, "node", name);
      assert.match(script ?? "", /commands.\w+\.ts$/);
      assert.ok(
        args.every((arg) =>
          /^--(if-any$|(folder|token|max-failed|restart|baseline|daemonset|deadline|lifetime|nodes|test-services)=)/.test(
            arg,
          ),
        ),
        String(args),
      );
      // What Pulumi prints of a command that fails.
      const { create = "none", update = "none", delete: end = "none" } = inputs;
      for (const operation of [create, update, end]) assert.match(operation as string, /^[a-z-]+$/);
      assert.doesNotMatch(JSON.stringify(inputs["interpreter"]), /users/);
      assert.deepEqual(inputs["environment"], {
        NODE_COMPILE_CACHE: ".cache/node",
        KUBE_PROXY_CONTEXT: evil,
        KUBE_PROXY_KUBECONFIG: "contexts: []\nusers: [secret]\n",
      });
    }
  });

  test("the proof can be left out", async () => {
    const registrations = await declare({ verify: false });
    const proof = registrations.filter(({ name }) => /-(verify|test-service|test-namespace)$/.test(name));
    assert.deepEqual(proof, []);
  });
});

function isObject({ type }: Registration): boolean {
  return type.startsWith("kubernetes:");
}

function annotations(daemonSet: Registration): Record<string, string> {
  return at(daemonSet, "metadata", "annotations") as Record<string, string>;
}

function podAnnotations(daemonSet: Registration): Record<string, string> {
  return at(daemonSet, "spec", "template", "metadata", "annotations") as Record<string, string>;
}
