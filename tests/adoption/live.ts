import type { LiveObject } from "../../components/adoption/live.ts";
import { kubeProxyObjects } from "../../components/kubeadm/manifests.ts";
import type { Container, DaemonSet } from "../../components/kubeadm/objects.ts";
import type { Settings } from "../../components/kubeadm/settings.ts";

/** kube-proxy's objects as they are in a cluster where kubeadm has made them with these settings. */
export function liveObjects(settings: Settings): LiveObject[] {
  const { daemonSet, ...others } = kubeProxyObjects(settings);
  return JSON.parse(JSON.stringify([...Object.values(others), served(daemonSet)])) as LiveObject[];
}

/** A DaemonSet with what the API server fills in. */
function served(daemonSet: DaemonSet): unknown {
  const { metadata, spec } = daemonSet;
  const { template, updateStrategy } = spec;
  const { initContainers, containers } = template.spec;
  return {
    ...daemonSet,
    metadata: {
      ...metadata,
      annotations: { ...metadata.annotations, "deprecated.daemonset.template.generation": "1" },
    },
    spec: {
      ...spec,
      revisionHistoryLimit: 10,
      updateStrategy: {
        ...updateStrategy,
        rollingUpdate: { maxSurge: 0, maxUnavailable: 1, ...updateStrategy.rollingUpdate },
      },
      template: {
        metadata: { ...template.metadata, creationTimestamp: null },
        spec: {
          ...template.spec,
          ...(initContainers && { initContainers: initContainers.map(servedContainer) }),
          containers: containers.map(servedContainer),
          dnsPolicy: "ClusterFirst",
          restartPolicy: "Always",
          schedulerName: "default-scheduler",
          securityContext: {},
          serviceAccount: "kube-proxy",
          terminationGracePeriodSeconds: 30,
          volumes: template.spec.volumes.map(({ configMap, hostPath, ...volume }) => ({
            ...volume,
            ...(configMap && { configMap: { ...configMap, defaultMode: 420 } }),
            ...(hostPath && { hostPath: { type: "", ...hostPath } }),
          })),
        },
      },
    },
  };
}

function servedContainer({ env, ...container }: Container): unknown {
  return {
    ...container,
    env: env.map(({ valueFrom, ...variable }) => ({
      ...variable,
      ...(valueFrom && { valueFrom: { fieldRef: { apiVersion: "v1", ...valueFrom.fieldRef } } }),
    })),
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
  };
}
