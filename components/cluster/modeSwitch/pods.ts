/** Pure: the pods that run beside a node's kube-proxy while its mode is switched. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { rightsIn } from "../../kubeadm/hardening.ts";
import { configHash } from "../../kubeadm/manifests.ts";
import {
  besideLabel,
  clearingValue,
  countingValue,
  helperLabel,
  recordOf,
  wantedMode,
} from "../../plan/modes.ts";
import { withoutModules } from "../../plan/leaving.ts";
import type { Wave } from "../../pools/waves.ts";
import { configHashAnnotation } from "../../restart/restart.ts";
import type { Container, Pod, PodSpec } from "../workload.ts";
import { carriedScript } from "./carried.ts";
import { addressPattern, clearServersScript } from "./clearServers.ts";

/** Where a helper answers; kube-proxy itself does at 10256 and 10249, the kubelet at 10248. */
export const helperPorts = { healthz: 10246, metrics: 10247 } as const;

/** Annotations of a helper that hold the files which it reads. */
const files = {
  "config.conf": "kube-proxy/helper-configuration",
  "kubeconfig.conf": "kube-proxy/helper-kubeconfig",
} as const;

const iptables = ["iptables", "ip6tables"].flatMap((tool) =>
  ["", "-save", "-restore"].map((part) => tool + part),
);

/** What another kube-proxy must not see so that it leaves the rules of one in a mode alone. */
const tools: ReadonlyMap<string, readonly string[]> = new Map([
  ["iptables", iptables],
  // Besides its virtual servers it has chains of iptables.
  ["ipvs", iptables],
  ["nftables", ["nft"]],
]);

const clearSetsScript = readFileSync(join(import.meta.dirname, "clearSets.sh"), "utf8");

/** What is put in the place of a tool. */
const nothing = { name: "nothing", hostPath: { path: "/dev/null", type: "CharDevice" } };

/** Where images have these tools. A mount follows links, so that what `iptables` is in an image does not matter. */
const folders = ["/usr/sbin", "/sbin"];

/** A pod to create. */
export interface NewPod {
  readonly metadata: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences: readonly object[];
  };
  readonly spec: PodSpec;
}

/**
 * A kube-proxy with the wanted configuration that makes its rules beside those of a running one, whose tools it cannot
 * see: it would remove its rules otherwise. Nor does it see what would have it remove ipvs, also where that is others'.
 *
 * It belongs to the pod that it stands beside: when that one is gone, the cluster's garbage collector takes it away,
 * before the new kube-proxy has started. Two that run in one mode undo each other's work.
 *
 * @param beside - the running kube-proxy's pod
 * @param from - its mode
 */
export function helperPod(wave: Wave, beside: Pod, from: string): NewPod {
  const { data } = wave.configMap;
  const { spec } = wave.daemonSet.spec.template;
  const mode = wantedMode(wave);
  const items = Object.entries(files).map(([path, annotation]) => ({
    path,
    fieldRef: { fieldPath: `metadata.annotations['${annotation}']` },
  }));
  const volumes = spec.volumes.map((volume) =>
    volume.configMap === undefined ? volume : { name: volume.name, downwardAPI: { items } },
  );
  const blind = withoutModules({ ...spec, volumes, restartPolicy: "Always" });
  const pod = podBeside(beside, mode, tools.get(from) ?? [], blind);
  const annotations = {
    [configHashAnnotation]: configHash(data),
    [files["config.conf"]]: stringify(helperConfiguration(wave)),
    [files["kubeconfig.conf"]]: data["kubeconfig.conf"],
  };
  const labels = { ...pod.metadata.labels, [besideLabel]: from };
  return { ...pod, metadata: { ...pod.metadata, labels, annotations } };
}

/** The configuration of a helper: the wanted one, at addresses of its own. */
export function helperConfiguration({ configMap }: Wave): Readonly<Record<string, unknown>> {
  return {
    ...recordOf(configMap.data["config.conf"]),
    healthzBindAddress: `127.0.0.1:${helperPorts.healthz}`,
    metricsBindAddress: `127.0.0.1:${helperPorts.metrics}`,
  };
}

/** How ipvs goes from a node. */
export interface Removal {
  /** Where others have virtual servers, which stay. */
  readonly others: readonly string[];
  /** An image with `ip` and `ipvsadm`, for the sake of others; undefined for kube-proxy's own, which has neither. */
  readonly image: string | undefined;
}

/**
 * A pod that removes the rules of all modes but one: kube-proxy's own cleanup, which cannot see that one's tools. What it
 * leaves of ipvs, the sets for IPv6, and beside mode iptables all sets and chains, a script removes before. Since it would
 * remove all virtual servers, it does not see ipvs where others have some: another script removes kube-proxy's.
 *
 * @param beside - the running kube-proxy's pod
 * @param mode - its mode
 * @param removal - of ipvs; undefined where it is left alone
 */
export function clearingPod(beside: Pod, mode: string, removal: Removal | undefined): NewPod {
  const isBlind = removal === undefined || removal.others.length > 0;
  const spec = isBlind ? withoutModules(beside.spec) : beside.spec;
  const containers = spec.containers.map((container) => ({
    ...withTools(container),
    command: [...(container.command ?? []).slice(0, 1), "--cleanup"],
  }));
  const { others, image } = removal ?? { others: [], image: undefined };
  const servers = containers.map((one) => ({
    ...scripted(one, "clear-servers", clearServersScript),
    ...(image !== undefined && { image }),
    env: [{ name: "OTHERS", value: addressPattern(others) }],
  }));
  const sets = containers.map((one) => ({
    ...scripted(one, "clear-sets", clearSetsScript),
    env: [{ name: "MODE", value: mode }],
  }));
  const first = removal && [...(others.length > 0 ? servers : []), ...sets];
  // Only iptables has chains among which those of ipvs are; rules of nftables there are none then.
  const hidden = [...(tools.get(mode) ?? []), ...(removal && mode === "iptables" ? ["nft"] : [])];
  const own = { ...spec, containers, initContainers: undefined, restartPolicy: "Never" };
  const pod = podBeside(beside, clearingValue, hidden, own);
  return first === undefined ? pod : { ...pod, spec: { ...pod.spec, initContainers: first } };
}

/**
 * A pod that tells what ipvs carries on a node, see `readCarried`.
 *
 * @param beside - the running kube-proxy's pod
 * @param image - with `ip` it also changes the source of the node's own connections; undefined for kube-proxy's own
 */
export function countingPod(beside: Pod, image: string | undefined): NewPod {
  const { spec } = beside;
  const env = [{ name: "ADDRESSES", valueFrom: { fieldRef: { fieldPath: "status.podIPs" } } }];
  const containers = spec.containers.map((container) => ({
    ...scripted(withTools(container), countingValue, carriedScript),
    ...(image !== undefined && { image }),
    env,
  }));
  const own = { ...spec, containers, initContainers: undefined, restartPolicy: "Never" };
  return podBeside(beside, countingValue, [], own);
}

/** A container with the rights that the tools of all modes take; where it has all rights, it keeps them. */
function withTools(container: Container): Container {
  return container.securityContext?.privileged === false
    ? { ...container, securityContext: rightsIn("ipvs") }
    : container;
}

/** A container that runs a script with what its image and its volumes are. */
function scripted(container: Container, name: string, script: string): Container & { readonly name: string } {
  return { ...container, name, command: ["sh", "-c", script] };
}

function podBeside(beside: Pod, label: string, hidden: readonly string[], spec: PodSpec): NewPod {
  const { name, uid } = beside.metadata;
  const paths = folders.flatMap((folder) => hidden.map((tool) => `${folder}/${tool}`));
  const { serviceAccountName, hostNetwork, priorityClassName, tolerations, imagePullSecrets } = spec;
  const blinded = (container: Container) => ({
    ...container,
    // What it said last is what a user has to know when it ends.
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: [
      ...(container.volumeMounts ?? []),
      ...paths.map((mountPath) => ({ name: "nothing", mountPath })),
    ],
  });
  return {
    metadata: {
      name: `${name}-${label}`,
      labels: { [helperLabel]: label },
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name, uid }],
    },
    spec: {
      // Past the scheduler, as there is no choice; so without what tells it where pods may go, such as not beside a
      // kube-proxy.
      nodeName: beside.spec.nodeName,
      ...{ serviceAccountName, hostNetwork, priorityClassName, tolerations, imagePullSecrets },
      restartPolicy: spec.restartPolicy,
      terminationGracePeriodSeconds: 1,
      ...(spec.initContainers && { initContainers: spec.initContainers.map(blinded) }),
      containers: spec.containers.map(blinded),
      volumes: [...(spec.volumes ?? []), nothing],
    },
  };
}
