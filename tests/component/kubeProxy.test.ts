import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { suite, test } from "node:test";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { ClusterRoleChoice, KubeProxy, type KubeProxyArgs } from "../../components/index.ts";
import { type Registration, registrationsOf, valueOf } from "./registration.ts";

const args: KubeProxyArgs = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" };

const declare = (more: Partial<KubeProxyArgs> = {}, opts?: pulumi.ComponentResourceOptions) =>
  registrationsOf(() => new KubeProxy("kube-proxy", { ...args, ...more }, opts));

suite("KubeProxy", () => {
  test("registers kubeadm's six objects below the component", async () => {
    const registrations = await declare();
    assert.deepEqual(
      registrations.map(({ type, name }) => `${type} ${name}`).sort(),
      [
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
    for (const { type, provider } of registrations.filter((registration) =>
      registration.type.startsWith("kubernetes:"),
    )) {
      assert.match(provider, /::mine::/, type);
    }
  });

  test("gives name, uid, image, hash and token as outputs", async () => {
    let kubeProxy: KubeProxy | undefined;
    const registrations = await registrationsOf(() => {
      kubeProxy = new KubeProxy("kube-proxy", {
        ...args,
        restart: pulumi.output("later"),
        image: "example.com/p:1",
      });
    });
    assert.ok(kubeProxy);
    const daemonSet = find(registrations, "DaemonSet");
    assert.equal(await valueOf(kubeProxy.name), "kube-proxy");
    assert.equal(await valueOf(kubeProxy.uid), "kube-proxy-daemon-set-uid");
    assert.equal(await valueOf(kubeProxy.image), "example.com/p:1");
    assert.equal(await valueOf(kubeProxy.restart), "later");
    assert.equal(await valueOf(kubeProxy.configHash), podAnnotations(daemonSet)["kube-proxy/config-hash"]);
  });
});

suite("mistakes in the arguments", () => {
  test("end the program with all of them named, before any object is registered", () => {
    const fixture = join(import.meta.dirname, "fixtures", "mistakes.ts");
    const { stdout } = spawnSync(process.execPath, [fixture], { encoding: "utf8", timeout: 60_000 });
    const { types, messages } = JSON.parse(stdout) as { types: string[]; messages: string[] };
    assert.deepEqual(types, ["kube-proxy:index:KubeProxy"]);
    assert.equal(messages.length, 1);
    assert.match(messages[0] ?? "", /^2 problems in the arguments of KubeProxy; nothing was changed:$/m);
    assert.match(messages[0] ?? "", /^ {2}kubernetesVersion: "1\.37" is not accepted/m);
    assert.match(messages[0] ?? "", /^ {2}controlPlaneEndpoint: "api:port" is not accepted/m);
  });
});

suite("traps of the real engine", () => {
  test("create-before-delete would delete the new DaemonSet: deleteBeforeReplace is explicit, on every fixed name", async () => {
    const registrations = await declare({ clusterRole: ClusterRoleChoice.create });
    for (const { name, deleteBeforeReplace } of registrations.slice(1)) {
      assert.equal(deleteBeforeReplace, true, name);
    }
  });

  test("the token replaces, and nothing else does: replaceOnChanges names one annotation", async () => {
    const daemonSet = find(await declare(), "DaemonSet");
    assert.deepEqual(daemonSet.replaceOnChanges, ['metadata.annotations["kube-proxy/restart"]']);
  });

  test("a first annotation is no replacement: the token is there before the first restart", async () => {
    const daemonSet = find(await declare(), "DaemonSet");
    assert.deepEqual(at(daemonSet, "metadata", "annotations"), { "kube-proxy/restart": "initial" });
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
    assert.deepEqual(daemonSet.timeouts, { create: "20m", update: "", delete: "90s" });
  });

  test("skipAwait would race the deletion, upsert would hide a lost object: neither is ever set", async () => {
    const registrations = await registrationsOf(() => {
      new KubeProxy("kube-proxy", args, { provider: new kubernetes.Provider("cluster", {}) });
    });
    assert.doesNotMatch(JSON.stringify(registrations), /skipAwait|upsertExistingObjects/);
  });
});

function find(registrations: readonly Registration[], kind: string): Registration {
  const found = registrations.find(({ type }) => type.endsWith(`:${kind}`));
  assert.ok(found, `no ${kind} was registered`);
  return found;
}

function at({ inputs }: Registration, ...path: string[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], inputs);
}

function podAnnotations(daemonSet: Registration): Record<string, string> {
  return at(daemonSet, "spec", "template", "metadata", "annotations") as Record<string, string>;
}
