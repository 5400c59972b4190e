/** Pure: the pods that run beside a node's kube-proxy while its mode is switched. */
import { stringify } from "yaml";
import { configHash } from "../../kubeadm/manifests.ts";
import { clearingValue, counterpart, helperLabel, recordOf, wantedMode } from "../../plan/modes.ts";
import type { Wave } from "../../pools/waves.ts";
import { configHashAnnotation } from "../../restart/restart.ts";
import type { Pod, PodSpec } from "../workload.ts";

/** Where a helper answers; kube-proxy itself does at 10256 and 10249, the kubelet at 10248. */
export const helperPorts = { healthz: 10246, metrics: 10247 } as const;

/** Annotations of a helper that hold the files which it reads. */
const files = {
  "config.conf": "kube-proxy/helper-configuration",
  "kubeconfig.conf": "kube-proxy/helper-kubeconfig",
} as const;

/** What kube-proxy programs the kernel by, in each mode. */
const tools: Readonly<Record<string, readonly string[]>> = {
  iptables: ["iptables", "ip6tables"].flatMap((tool) => ["", "-save", "-restore"].map((part) => tool + part)),
  nftables: ["nft"],
};

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
 * A kube-proxy with the wanted configuration that makes its rules beside those of a running one, whose tool it cannot
 * see: it would remove its rules otherwise.
 *
 * It belongs to the pod that it stands beside: when that one is gone, the cluster's garbage collector takes it away,
 * before the new kube-proxy has started. Two that run in one mode undo each other's work.
 *
 * @param beside - the running kube-proxy's pod
 */
export function helperPod(wave: Wave, beside: Pod): NewPod {
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
  const pod = podBeside(beside, mode, counterpart(mode), { ...spec, volumes, restartPolicy: "Always" });
  const annotations = {
    [configHashAnnotation]: configHash(data),
    [files["config.conf"]]: stringify(helperConfiguration(wave)),
    [files["kubeconfig.conf"]]: data["kubeconfig.conf"],
  };
  return { ...pod, metadata: { ...pod.metadata, annotations } };
}

/** The configuration of a helper: the wanted one, at addresses of its own. */
export function helperConfiguration({ configMap }: Wave): Readonly<Record<string, unknown>> {
  return {
    ...recordOf(configMap.data["config.conf"]),
    healthzBindAddress: `127.0.0.1:${helperPorts.healthz}`,
    metricsBindAddress: `127.0.0.1:${helperPorts.metrics}`,
  };
}

/**
 * A pod that removes the rules of all modes but one: kube-proxy's own cleanup, which cannot see that one's tool.
 *
 * @param beside - the running kube-proxy's pod
 * @param mode - its mode
 */
export function clearingPod(beside: Pod, mode: string): NewPod {
  const { spec } = beside;
  const containers = spec.containers.map((container) => ({
    ...container,
    command: [...(container.command ?? []).slice(0, 1), "--cleanup"],
  }));
  return podBeside(beside, clearingValue, mode, { ...spec, containers, restartPolicy: "Never" });
}

function podBeside(beside: Pod, label: string, hidden: string | undefined, spec: PodSpec): NewPod {
  const { name, uid } = beside.metadata;
  const paths = folders.flatMap((folder) => (tools[hidden ?? ""] ?? []).map((tool) => `${folder}/${tool}`));
  const { serviceAccountName, hostNetwork, priorityClassName, tolerations, imagePullSecrets } = spec;
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
      containers: spec.containers.map((container) => ({
        ...container,
        // What it said last is what a user has to know when it ends.
        terminationMessagePolicy: "FallbackToLogsOnError",
        volumeMounts: [
          ...(container.volumeMounts ?? []),
          ...paths.map((mountPath) => ({ name: "nothing", mountPath })),
        ],
      })),
      volumes: [...(spec.volumes ?? []), nothing],
    },
  };
}
