import type * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { fields } from "./configuration/fields.ts";
import { parseGoDuration } from "./configuration/goDuration.ts";
import { readYaml } from "./configuration/readYaml.ts";
import type { KubeProxyConfiguration } from "./configuration/types.ts";
import { type ClusterFacts, wholeFacts } from "./facts/facts.ts";
import type { Problem } from "./input/problems.ts";
import { isRecord } from "./input/record.ts";
import { choice, list, mapping, optional, record, text } from "./input/schema.ts";
import {
  checkSettings,
  type ClusterRoleChoice,
  type EnvVar,
  type Metadata,
  type ResourceRequirements,
  settingsShape,
  type Toleration,
  type UpdateStrategy,
} from "./kubeadm/settings.ts";
import type { HostAlias, NodeSelectorRequirement, Probe, Volume, VolumeMount } from "./kubeadm/podTypes.ts";
import { parseVersion } from "./kubeadm/version.ts";
import { hashPattern, mountOf } from "./plan/immutable.ts";
import { immutableProblems } from "./plan/immutableProblems.ts";
import { acceptedDrain, isDrain, type LeavingIpvs, OnDeadline } from "./plan/leaving.ts";
import { SnapshotIn } from "./plan/snapshotIn.ts";
import { checkPools } from "./pools/check.ts";
import { maxFailed, type Pool, poolShape } from "./pools/pool.ts";
import { checkCluster, checkIgnored } from "./preflight/index.ts";
import { acceptedToken, isToken, RestartStrategy } from "./restart/restart.ts";
import { acceptedDeadline, deadlineOf, type Timeouts } from "./restart/timeouts.ts";

/** What decides a cluster's kube-proxy, in kubeadm's and Kubernetes' own words. */
export interface KubeProxyArgs {
  /** `vMAJOR.MINOR.PATCH`, 1.15 to 1.37: the image's tag and which kubeadm is followed. */
  kubernetesVersion: pulumi.Input<string>;
  /** `host[:port]` of the API server as nodes reach it, IPv6 in brackets, port 6443 when none is given; or a whole URL. */
  controlPlaneEndpoint: pulumi.Input<string>;
  /** IP address of the node that ran `kubeadm init`; its family decides bindAddress. Default: guessed. */
  advertiseAddress?: pulumi.Input<string>;
  /** The pods' CIDR, or an IPv4 and an IPv6 one with a comma between. Default: none. */
  podSubnet?: pulumi.Input<string>;
  /** Where the image comes from, without `/kube-proxy`. Default: that of the minor's kubeadm. */
  imageRepository?: pulumi.Input<string>;
  /** The whole image reference, tag or digest included; overrides imageRepository and the version's tag. */
  image?: pulumi.Input<string>;
  /** Names of Secrets in kube-system for the image's registry. Default: none. */
  imagePullSecrets?: pulumi.Input<pulumi.Input<string>[]>;
  /** kubeadm's feature gates: of them, kubeadm 1.16 to 1.23 copies IPv6DualStack. Default: none. */
  featureGates?: pulumi.Input<Record<string, pulumi.Input<boolean>>>;
  /** KubeProxyConfiguration fields that override kubeadm's. Default: none. */
  configuration?: pulumi.Input<KubeProxyConfiguration>;
  /** Node labels that are required beside kubeadm's own one for Linux. Default: none. */
  nodeSelector?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Which taints are tolerated, in place of kubeadm's "every taint". */
  tolerations?: pulumi.Input<pulumi.Input<Toleration>[]>;
  /** The container's requests and limits. Default: none. */
  resources?: pulumi.Input<ResourceRequirements>;
  /** How pods are replaced. Default: 10 % of the nodes at a time under Rolling, else one. It decides how long to wait. */
  updateStrategy?: UpdateStrategy;
  /** Environment variables after NODE_NAME, such as `*_proxy`. Default: none. */
  env?: pulumi.Input<pulumi.Input<EnvVar>[]>;
  /** Arguments of kube-proxy after kubeadm's own, such as `--v=4`. Default: none. */
  extraArgs?: pulumi.Input<pulumi.Input<string>[]>;
  /** Labels and annotations of every object beside the program's own. Default: none. */
  metadata?: pulumi.Input<Metadata>;
  /** Labels and annotations of the pods beside the program's own. Default: none. */
  podMetadata?: pulumi.Input<Metadata>;
  /**
   * Whether pods mount an immutable ConfigMap that is named by what it holds, so that one that restarts in the middle of a
   * rollout starts with what its template says. ConfigMap kube-proxy stays for kubeadm. Needs `facts`. Default false.
   */
  immutableConfig?: boolean;
  /** How many earlier configurations stay beside the one in force, under immutableConfig; 1 or more. Default 3. */
  configHistory?: number;
  /** Hash of an earlier configuration, or its first 10 digits: it is in force whatever the others say. Default: none. */
  configHash?: string;
  /** Nodes that match one of these get no kube-proxy, whatever their pool. Default: none. */
  excludeNodes?: pulumi.Input<pulumi.Input<NodeSelectorRequirement>[]>;
  /** Name of the pods' PriorityClass. Default `system-node-critical`, as kubeadm. */
  priorityClassName?: pulumi.Input<string>;
  /** Names for the pods' /etc/hosts. Default: none. */
  hostAliases?: pulumi.Input<pulumi.Input<HostAlias>[]>;
  /** Volumes beside kubeadm's: hostPath, configMap, secret or emptyDir. Default: none. */
  volumes?: pulumi.Input<pulumi.Input<Volume>[]>;
  /** Where volumes are in the container, beside kubeadm's. Default: none. */
  volumeMounts?: pulumi.Input<pulumi.Input<VolumeMount>[]>;
  /** A probe that restarts the container when it fails. Default: none, as kubeadm. */
  livenessProbe?: pulumi.Input<Probe>;
  /** A probe that says when the pod is ready. Default: none, as kubeadm. */
  readinessProbe?: pulumi.Input<Probe>;
  /** A probe that holds the other ones back until it succeeds. Default: none, as kubeadm. */
  startupProbe?: pulumi.Input<Probe>;
  /** The restart token: a new text replaces the DaemonSet. One line, 1 to 256 characters. Default `initial`. */
  restart?: pulumi.Input<string>;
  /** How a restart takes the old pods down: `Rolling` (default) or `Recreate`. It decides which resources there are. */
  restartStrategy?: RestartStrategy;
  /**
   * Pools of nodes, in the order in which they are changed and restarted: each has a DaemonSet of its own, and the next
   * is touched only when the one before is verified. Every node has to be in one. Default: one DaemonSet for all.
   */
  pools?: Pool[];
  /** How many nodes of a DaemonSet may fail their proof before it halts, such as `2` or `10%`. Default 0. */
  maxFailed?: string;
  /** Names of the last pools, which stay as they are in this update. Needs `facts`. Default: none. */
  hold?: string[];
  /** Restarts kube-proxy on these nodes alone: their pods are deleted one by one; no DaemonSet is touched. */
  restartNodes?: RestartNodes;
  /** Whether kube-proxy runs. `false` removes its DaemonSets and pods; the rules stay in the kernels. Default true. */
  running?: boolean;
  /** A switch between modes that loses connections, such as `iptables to ipvs`; others need no confirmation. Default: none. */
  confirmModeSwitch?: pulumi.Input<string>;
  /** How a switch leaves ipvs: until when connections that it carries are waited for, and what becomes of the others. */
  modeSwitch?: LeavingIpvs;
  /**
   * Whether a kube-proxy that kubeadm has installed is taken over as it runs, instead of ending with `already exists`.
   * Needs `facts`. Once it is taken over this changes nothing any more. Default false.
   */
  adopt?: boolean;
  /** What the cluster says, see `askFacts`: checked in the preview, which then tells what happens to the pods. */
  facts?: ClusterFacts;
  /** What is said first where an update changes something, such as where its settings come from. Default: nothing. */
  remarks?: string[];
  /**
   * How the program itself reaches the cluster; the provider's choice, said again. Default: its commands reach it as
   * kubectl does, and what an interrupted `pulumi up` has left in the way of the next one is not cleared away.
   */
  cluster?: ClusterAccess;
  /** Folder of the snapshots that are taken before every change. Default: below the user's state folder. */
  snapshotFolder?: pulumi.Input<string>;
  /** Where they are kept: `folder` (default), or `cluster`, also as Secrets there. It decides which rights it takes. */
  snapshotIn?: SnapshotIn;
  /**
   * Whether an update that touches pods leaves a report of it beside its snapshot, see docs/report.md. Needs `cluster` and
   * `facts`. Default false.
   */
  report?: boolean;
  /** Whether every node's kube-proxy is verified after a change, and `pulumi up` fails if one is not well. Default true. */
  verify?: boolean;
  /**
   * Whether an init container does what needs all rights, and kube-proxy itself has the fewest that it works with; from
   * kube-proxy 1.29 on. Default false, as kubeadm.
   */
  hardened?: pulumi.Input<boolean>;
  /** Whether the image is on all nodes of a wave before the first kube-proxy there is replaced. Default false. */
  prePull?: boolean;
  /** Which ClusterRole is bound: `bootstrap` (default) or `create`. It decides which resources there are. */
  clusterRole?: ClusterRoleChoice;
  /** How long to wait for the pods. */
  timeouts?: Timeouts;
  /** UID of the cluster's namespace kube-system: any other cluster is refused. Needs `facts`. Default: any cluster. */
  clusterId?: string;
  /** Who owns the objects, as the state has it, see `recordIdentity`. Default: organization, project and stack by name. */
  owner?: string;
  /** Checks of the cluster that are turned off: the reason by the check's name. Default: none. */
  ignorePreflightErrors?: Record<string, string>;
}

/** A cluster, as the Kubernetes provider takes it. */
export interface ClusterAccess {
  /** Path or content of a kubeconfig. Default: `KUBECONFIG`, then `~/.kube/config`. */
  kubeconfig?: pulumi.Input<string>;
  /** Context in the kubeconfig. Default: its current one. */
  context?: pulumi.Input<string>;
  /**
   * UID of its namespace kube-system, as the state has it, see `recordIdentity`: whatever of the component writes, in an
   * update and in a destroy, refuses any other cluster. Default: nothing is compared.
   */
  id?: string;
}

/** A restart of some nodes' kube-proxy alone. */
export interface RestartNodes {
  /** Names of the nodes. */
  nodes: string[];
  /** Like the restart token: with a new one the same nodes are restarted again. Default `initial`. */
  token?: string;
}

const timeout = optional(
  text(
    "a Go duration above 0 with a unit, such as 90s or 20m",
    (value) => (parseGoDuration(value) ?? 0n) > 0n,
  ),
);
const deadline = optional(text(acceptedDeadline, (value) => deadlineOf(value) !== undefined));
const clusterIdAccepted =
  "the UID of namespace kube-system: kubectl get namespace kube-system -o jsonpath={.metadata.uid}";
const token = optional(text(acceptedToken, isToken));
const nodeName = text("the name of a node", (value) => /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(value));

const historyAccepted = "a whole number, 1 or more";
const hashAccepted = "a hash as in annotation kube-proxy/config-hash, or its first 10 digits or more";

const modeSwitchPattern = /^(iptables|ipvs|nftables) to (iptables|ipvs|nftables)$/;

/** The arguments of KubeProxy that make its objects and what each accepts. */
export const argsShape = {
  ...settingsShape,
  pools: optional(
    list(mapping(poolShape), "a list of pools, such as [{name: canary, nodeSelector: {pool: canary}}]"),
  ),
  maxFailed,
  immutableConfig: optional(v.boolean("true or false")),
  configHistory: optional(
    v.pipe(v.number(historyAccepted), v.integer(historyAccepted), v.minValue(1, historyAccepted)),
  ),
  configHash: optional(text(hashAccepted, (value) => hashPattern.test(value))),
  restart: token,
  restartStrategy: optional(choice(Object.values(RestartStrategy))),
  restartNodes: optional(
    mapping({
      nodes: v.pipe(
        list(nodeName, "a list of names of nodes"),
        v.minLength(1, "one node or more; leave restartNodes out to restart none"),
      ),
      token,
    }),
  ),
  running: optional(v.boolean("true or false")),
  confirmModeSwitch: optional(
    text("a switch between two modes, such as iptables to ipvs", (value) => modeSwitchPattern.test(value)),
  ),
  modeSwitch: optional(
    mapping({
      drain: optional(text(acceptedDrain, isDrain)),
      onDeadline: optional(choice(Object.values(OnDeadline))),
      image: optional(text("an image with sh and ip", (value) => value.trim() !== "")),
    }),
  ),
  prePull: optional(v.boolean("true or false")),
  adopt: optional(v.boolean("true or false")),
  snapshotIn: optional(choice(Object.values(SnapshotIn))),
  timeouts: optional(
    mapping({ pod: timeout, create: timeout, update: timeout, delete: timeout, verify: deadline }),
  ),
  clusterId: optional(text(clusterIdAccepted, (value) => value.trim() !== "")),
  // Which names there are, and that a reason is one, `checkIgnored` sees.
  ignorePreflightErrors: optional(record(v.unknown(), "a mapping of names of checks to reasons")),
};

/**
 * Finds out whether the cluster is the right one and, only then, every problem of the arguments: the schema's, the
 * configuration's for the version, those of the pools as a whole, names of nodes and checks that do not exist, and a
 * version that does not know the mode that runs.
 *
 * @param shape - {@link argsShape}, with the caller's own keys beside it
 * @param value - what the user gave
 * @param facts - of the cluster; undefined where there are none, or too few: that is no mistake in the arguments, see
 * {@link needingFacts}
 */
export function checkArgs(
  shape: v.ObjectEntries,
  value: Readonly<Record<string, unknown>>,
  facts: ClusterFacts | undefined,
): Problem[] {
  // Whatever else is wrong may be so only because of the cluster.
  const isKnown = facts !== undefined && facts.unread?.["namespace"] === undefined;
  const elsewhere = isKnown ? checkCluster(value["clusterId"], facts) : [];
  if (elsewhere.length > 0) {
    return elsewhere;
  }
  const problems = checkSettings(mapping(shape), value);
  const whole = wholeFacts(facts);
  const isSound = (key: string) => !problems.some(({ path }) => path.split(/[.[]/)[0] === key);
  return [
    ...problems,
    ...(isSound("kubernetesVersion") && whole ? checkMode(value["kubernetesVersion"], whole) : []),
    ...(["pools", "nodeSelector", "excludeNodes"].every(isSound) ? checkPools(value, whole?.nodes) : []),
    ...(isSound("restartNodes") && whole
      ? checkNodes(value["restartNodes"] as RestartNodes | undefined, whole)
      : []),
    ...(["immutableConfig", "configHash", "pools"].every(isSound) ? immutableProblems(value, whole) : []),
    ...(isSound("ignorePreflightErrors") ? checkIgnored(value["ignorePreflightErrors"]) : []),
  ];
}

/**
 * Those of the arguments that mean nothing, or the wrong thing, without what the cluster says.
 *
 * @param fact - which part of that, by its name; any when it is left out
 */
export function needingFacts(
  { adopt = false, clusterId, hold = [], immutableConfig = false, report = false }: KubeProxyArgs,
  fact?: string,
): string[] {
  return [
    ...(adopt ? ["adopt"] : []),
    ...(clusterId === undefined || (fact ?? "namespace") !== "namespace" ? [] : ["clusterId"]),
    // Of a pool that is held without them nobody knows that it is there: its DaemonSet would be deleted.
    ...(hold.length > 0 ? ["hold"] : []),
    // Nobody knows which earlier configurations there are: those in the state would be deleted.
    ...(immutableConfig ? ["immutableConfig"] : []),
    // It tells from what to what the update goes.
    ...(report ? ["report"] : []),
  ];
}

/**
 * A minor that does not know the mode that runs would leave its rules in the nodes' kernels, beside those of another mode.
 */
function checkMode(
  version: unknown,
  { configMaps, daemonSets, immutableConfigs = [] }: ClusterFacts,
): Problem[] {
  const minor = parseVersion(version)?.minor.minor;
  const mounts = daemonSets.map(mountOf);
  const mounted = immutableConfigs.filter(({ name }) => mounts.includes(name));
  const running = [...configMaps, ...mounted].map(
    ({ data }) => readYaml(data["config.conf"] ?? "")[0]?.value,
  );
  const modes = new Set(running.map((configuration) => isRecord(configuration) && configuration["mode"]));
  return [...modes].flatMap((mode) => {
    const section = fields.filter(({ path }) => typeof mode === "string" && path.startsWith(`${mode}.`));
    const since = Math.min(...section.map((field) => field.since));
    return minor === undefined || section.length === 0 || since <= minor
      ? []
      : [
          {
            path: "kubernetesVersion",
            value: version,
            accepted:
              `v1.${since} or later as long as mode ${String(mode)} runs, which an earlier kube-proxy does not know, so ` +
              "that its rules would stay: change configuration.mode first, with the version that runs, then the version",
          },
        ];
  });
}

function checkNodes(restart: RestartNodes | undefined, { nodes }: ClusterFacts): Problem[] {
  const known = nodes.map(({ name }) => name);
  return (restart?.nodes ?? []).flatMap((name, index) =>
    known.includes(name)
      ? []
      : [
          {
            path: `restartNodes.nodes[${index}]`,
            value: name,
            accepted: `the name of a node of this cluster, such as ${known[0] ?? "node-1"}`,
          },
        ],
  );
}
