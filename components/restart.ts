import type { CustomResourceOptions, CustomTimeouts } from "@pulumi/pulumi";
import { configHash } from "./kubeadm/manifests.ts";
import type { ContainerEnvVar, KubeProxyObjects } from "./kubeadm/objects.ts";

/** Annotation that holds the restart token, on the DaemonSet and on its pods. */
export const restartAnnotation = "kube-proxy/restart";

/** Annotation on the pods that holds the hash of the configuration they were started with. */
export const configHashAnnotation = "kube-proxy/config-hash";

/** The token of a kube-proxy that was never restarted. */
export const initialToken = "initial";

/** What a restart token may be, for an error. */
export const acceptedToken = "one line of text, 1 to 256 characters, such as 2026-11-23 or lost-rules-node-7";

/** Whether a text can be a restart token. */
export function isToken(token: string): boolean {
  return token.trim() !== "" && token.length <= 256 && !/\p{Cc}/u.test(token);
}

/**
 * kubeadm's objects as this program owns them: with the annotations that make a restart.
 *
 * - The DaemonSet carries the restart token from its first day on. Were it added by the first restart, Pulumi would
 *   see a new `annotations` map, which a `replaceOnChanges` path for one key does not match, and nothing would restart.
 * - The pods carry it too, so that `kubectl get pods` tells which restart they belong to.
 * - The pods carry the configuration's hash: kube-proxy reads its ConfigMap only once, when it starts, so that a
 *   changed configuration has to change the pods.
 * - `fieldRef` names its API version, which the API server would default: without it an import conflicts with the
 *   field manager `kubeadm`.
 */
export function withRestart(objects: KubeProxyObjects, token: string): KubeProxyObjects {
  const { daemonSet } = objects;
  const { template } = daemonSet.spec;
  const [container] = template.spec.containers;
  return {
    ...objects,
    daemonSet: {
      ...daemonSet,
      metadata: { ...daemonSet.metadata, annotations: { [restartAnnotation]: token } },
      spec: {
        ...daemonSet.spec,
        template: {
          metadata: {
            ...template.metadata,
            annotations: {
              [configHashAnnotation]: configHash(objects.configMap.data),
              [restartAnnotation]: token,
            },
          },
          spec: {
            ...template.spec,
            containers: [{ ...container, env: container.env.map(withFieldVersion) }],
          },
        },
      },
    },
  };
}

function withFieldVersion(variable: ContainerEnvVar): ContainerEnvVar {
  const { valueFrom } = variable;
  return valueFrom === undefined
    ? variable
    : { ...variable, valueFrom: { fieldRef: { apiVersion: "v1", ...valueFrom.fieldRef } } };
}

/** What makes a new token replace the DaemonSet, beside the explicit `deleteBeforeReplace` of every child. */
export function restartOptions(timeouts: CustomTimeouts | undefined): CustomResourceOptions {
  return {
    replaceOnChanges: [`metadata.annotations["${restartAnnotation}"]`],
    ...(timeouts && { customTimeouts: timeouts }),
  };
}
