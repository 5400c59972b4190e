import { isRecord } from "../input/record.ts";
import type { KubeProxyObjects } from "../kubeadm/objects.ts";
import { valueAt } from "./differences.ts";

/** An object of kube-proxy as it is in a cluster. */
export interface LiveObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [key: string]: unknown };
  readonly [field: string]: unknown;
}

/** An object's name for people: `DaemonSet kube-system/kube-proxy`. */
export function liveName({ kind, metadata: { namespace, name } }: LiveObject): string {
  return `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}

/** What a live ConfigMap holds. */
export function dataOf(configMap: LiveObject): Record<string, string> {
  return textsOf(configMap["data"]);
}

/** A live object's annotations. */
export function annotationsOf({ metadata }: LiveObject): Record<string, string> {
  return textsOf(metadata["annotations"]);
}

/** A live object's labels. */
export function labelsOf({ metadata }: LiveObject): Record<string, string> {
  return textsOf(metadata["labels"]);
}

/** Annotations of a live DaemonSet's pod template. */
export function podAnnotationsOf(daemonSet: LiveObject | undefined): Record<string, string> {
  return textsOf(valueAt(daemonSet, ["spec", "template", "metadata", "annotations"]));
}

function textsOf(value: unknown): Record<string, string> {
  return isRecord(value) ? (value as Record<string, string>) : {};
}

/** The object of a kind that the program makes, seen as a live one; none of an unknown kind. */
export function madeOf(objects: KubeProxyObjects, kind: string): LiveObject | undefined {
  return (Object.values(objects) as unknown as LiveObject[]).find((object) => object.kind === kind);
}
