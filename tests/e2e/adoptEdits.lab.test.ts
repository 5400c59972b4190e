/** What somebody has edited in kubeadm's DaemonSet is taken over with it, of every group of minors, and kept from then on. */
import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { parse } from "yaml";
import { isRecord } from "../../components/input/record.ts";
import { allServe, groups, installKubeadms, recorded } from "./kubeadms.ts";
import { changesOf, Cluster, type LivePod, type Scenario } from "./scenario.ts";
import { useLab } from "./useLab.ts";

const nodes = 3;
const label = "node-role.kubernetes.io/worker";

/** Edits of a pod's spec, each by the setting that keeps it; further variables, arguments, volumes and mounts come last. */
const podEdits = {
  nodeSelector: { [label]: "" },
  tolerations: [{ key: "dedicated", operator: "Exists", effect: "NoSchedule" }, { operator: "Exists" }],
  priorityClassName: "system-cluster-critical",
  hostAliases: [{ ip: "192.0.2.1", hostnames: ["api.example.com"] }],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: "node-role.kubernetes.io/edge", operator: "DoesNotExist" }] },
        ],
      },
    },
  },
  volumes: [{ name: "logs", hostPath: { path: "/var/log", type: "" } }],
};
const containerEdits = {
  command: ["--v=4"],
  env: [{ name: "HTTPS_PROXY", value: "http://proxy.example.com:3128" }],
  resources: { requests: { cpu: "50m" } },
  volumeMounts: [{ name: "logs", mountPath: "/var/log" }],
  livenessProbe: { httpGet: { path: "/livez", port: 10256 }, periodSeconds: 20 },
};
const settings = [
  ..."env excludeNodes extraArgs hostAliases livenessProbe nodeSelector podMetadata priorityClassName".split(
    " ",
  ),
  ..."resources tolerations updateStrategy volumeMounts volumes".split(" "),
];

type Fields = Readonly<Record<string, unknown>>;

interface LiveDaemonSet {
  readonly spec: {
    readonly template: {
      readonly metadata: Fields;
      readonly spec: Fields & { readonly containers: Fields[] };
    };
  };
}

/** With the edits' fields: further items of lists, further entries of nodeSelector, and whatever else in its place. */
function edited(live: Fields, edits: Fields): Fields {
  const replaced = ["tolerations", "hostAliases"];
  const entries = Object.entries(edits).map(([key, edit]) => {
    const old = live[key];
    if (Array.isArray(old) && !replaced.includes(key))
      return [key, [...(old as unknown[]), ...(edit as unknown[])]];
    return [key, key === "nodeSelector" ? { ...(old as Fields), ...(edit as Fields) } : edit];
  });
  return { ...live, ...(Object.fromEntries(entries) as Fields) };
}

/** Whether what is there has all that an edit has: every field of it, and of a list every item somewhere. */
function holds(live: unknown, edit: unknown): boolean {
  if (Array.isArray(edit)) {
    const items = Array.isArray(live) ? (live as unknown[]) : [];
    return edit.every((item) => items.some((one) => holds(one, item)));
  }
  if (isRecord(edit)) {
    return isRecord(live) && Object.entries(edit).every(([key, value]) => holds(live[key], value));
  }
  return live === edit;
}

function assertHeld(live: unknown, edits: Fields): void {
  const fields = live as Fields;
  const lost = Object.keys(edits).filter((key) => !holds(fields[key], edits[key]));
  assert.deepEqual(lost, [], JSON.stringify(live));
}

suite("a DaemonSet of kubeadm's that somebody has edited", () => {
  const at = useLab({ name: "e2e-adopt-edits", nodes, kubeadm: true });
  let cluster: Cluster;
  let scenario: Scenario;
  before(async () => {
    cluster = new Cluster(at.lab);
    await cluster.kubectl(["label", "nodes", "--all", `${label}=`]);
  });
  const uids = (pods: readonly LivePod[]) => pods.map(({ metadata }) => metadata.uid).sort();

  async function edit(): Promise<void> {
    const live = JSON.parse(
      await cluster.kubectl(["get", "daemonset/kube-proxy", "-o", "json"]),
    ) as LiveDaemonSet;
    const { template, ...spec } = live.spec;
    const [container = {}] = template.spec.containers;
    const changed = {
      ...live,
      spec: {
        ...spec,
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 2 } },
        template: {
          metadata: { ...template.metadata, annotations: { "example.com/checked": "" } },
          spec: { ...edited(template.spec, podEdits), containers: [edited(container, containerEdits)] },
        },
      },
    };
    await cluster.kubectl(["replace", "--field-manager=kubectl-edit", "-f", "-"], JSON.stringify(changed));
    await cluster.kubectl(["rollout", "status", "daemonset/kube-proxy", "--timeout=60s"]);
    await allServe(cluster, nodes);
  }

  /** Settings as the refused update prints them. */
  async function printedSettings(): Promise<Record<string, unknown>> {
    const { ok, output } = await scenario.stack.up();
    assert.ok(!ok, "up went through");
    const printed = /^( +)kube-proxy:\w+:(?: .*)?\n(?:\1.*\n)*/m.exec(output)?.[0] ?? "";
    const lines = Object.entries(parse(printed) as Record<string, unknown>);
    return Object.fromEntries(lines.map(([key, value]) => [key.replace("kube-proxy:", ""), value]));
  }

  for (const minor of groups) {
    test(`of 1.${minor}: every edit is printed, and with that taken over; the pods are the same`, async () => {
      const { objects, clusterConfiguration } = recorded(minor);
      const data = JSON.stringify({ data: { ClusterConfiguration: clusterConfiguration } });
      await cluster.kubectl(["patch", "configmap/kubeadm-config", "--type=merge", "-p", data]);
      await installKubeadms(cluster, JSON.stringify({ items: objects }), nodes);
      await edit();
      const [untouched, running] = [await cluster.fingerprint(), uids(await cluster.pods())];
      scenario = await at.open({
        kubernetesVersion: "",
        controlPlaneEndpoint: "",
        podSubnet: "",
        adopt: true,
      });
      const printed = await printedSettings();
      assert.deepEqual(Object.keys(printed).sort(), settings);
      assert.deepEqual(await cluster.fingerprint(), untouched);
      await scenario.up(printed);
      assert.deepEqual(await cluster.fingerprint(), untouched);
      assert.deepEqual(uids(await cluster.pods()), running);
      const preview = await scenario.stack.preview();
      assert.deepEqual([preview.ok, changesOf(preview)], [true, []]);
    });
  }

  const pools = [
    {
      name: "first",
      matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["node-0001"] }],
    },
    {
      name: "rest",
      matchExpressions: [{ key: "kubernetes.io/hostname", operator: "NotIn", values: ["node-0001"] }],
    },
  ];
  const operations: Readonly<Record<string, readonly [Fields, daemonSets: number]>> = {
    "a restart": [{ restart: "1" }, 1],
    "a changed configuration": [{ configuration: { iptables: { syncPeriod: "31s" } } }, 1],
    "another image": [{ image: "registry.example.com/kube-proxy:v1.37.2" }, 1],
    pools: [{ pools }, 2],
    "a restart of pools": [{ restart: "2" }, 2],
    "one DaemonSet again": [{ pools: [] }, 1],
    "a label of the objects": [{ metadata: { labels: { team: "network" } } }, 1],
    "a Recreate restart": [{ restartStrategy: "Recreate", restart: "3" }, 1],
    "kube-proxy switched off": [{ running: false }, 0],
    "kube-proxy back again, with another variable": [
      { running: true, env: [...containerEdits.env, { name: "NO_PROXY", value: "10.0.0.0/8" }] },
      1,
    ],
  };
  for (const [what, [config, daemonSets]] of Object.entries(operations)) {
    test(`${what}: every edit is kept`, async () => {
      await scenario.up(config);
      const { items } = JSON.parse(
        await cluster.kubectl(["get", "daemonsets", "-l", "k8s-app=kube-proxy", "-o", "json"]),
      ) as { items: LiveDaemonSet[] };
      assert.equal(items.length, daemonSets);
      for (const { spec } of items) {
        const { metadata, spec: pod } = spec.template;
        assertHeld(pod, podEdits);
        assertHeld(pod.containers[0], containerEdits);
        assertHeld(metadata, { annotations: { "example.com/checked": "" } });
      }
    });
  }
});
