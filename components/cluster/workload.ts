import type { ManagedFields } from "../adoption/managedFields.ts";
import type { SelectorFacts } from "../facts/surroundings.ts";
import { helperLabel } from "../plan/modes.ts";
import { restartAnnotation } from "../restart/restart.ts";
import { ApiError, listAll, request } from "./api.ts";
import { HttpMethod, type KubeConfig } from "./kubernetes.ts";

/** Requests of one kind under way at once: the API server has others to serve. */
export const concurrency = 32;

/** Paths of the collections in the API. */
export const paths = {
  daemonSets: "/apis/apps/v1/namespaces/kube-system/daemonsets",
  pods: "/api/v1/namespaces/kube-system/pods",
  revisions: "/apis/apps/v1/namespaces/kube-system/controllerrevisions",
} as const;

const label = { key: "k8s-app", value: "kube-proxy" } as const;

/** Metadata of a live object, as far as it is looked at. */
interface Metadata {
  readonly name: string;
  readonly uid: string;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly managedFields?: readonly ManagedFields[];
  /** By when it has to be gone, once its deletion was asked for. */
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly ownerReferences?: readonly Owner[];
}

/** Who an object belongs to. */
interface Owner {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** A DaemonSet of kube-proxy. */
export interface DaemonSet {
  readonly metadata: Metadata;
  readonly spec: {
    readonly selector?: SelectorFacts;
    readonly template: { readonly metadata: Pick<Metadata, "labels"> };
  };
  readonly status: {
    readonly desiredNumberScheduled: number;
    readonly numberAvailable?: number;
    readonly updatedNumberScheduled?: number;
    readonly observedGeneration?: number;
  };
}

/** A pod's spec, as far as it is looked at. */
export interface PodSpec {
  /** Absent until the scheduler has found a place. */
  readonly nodeName?: string | undefined;
  readonly initContainers?: readonly Container[] | undefined;
  readonly containers: readonly Container[];
  readonly volumes?: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[];
  readonly [field: string]: unknown;
}

/** A container, as far as it is looked at. */
export interface Container {
  readonly image: string;
  readonly command?: readonly string[];
  readonly securityContext?: { readonly privileged?: boolean };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

/** What the kubelet says of a pod's container. */
interface ContainerStatus {
  readonly restartCount?: number;
  readonly state?: ContainerState;
  /** Of the container before the last restart. */
  readonly lastState?: ContainerState;
}

interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: object;
  readonly terminated?: { readonly exitCode: number; readonly message?: string };
}

/** A pod of kube-proxy. */
export interface Pod {
  readonly metadata: Metadata;
  readonly spec: PodSpec;
  readonly status: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

/**
 * The DaemonSets in kube-system whose pods are kube-proxy's. The pods' label decides, not the DaemonSet's own: that for
 * Windows nodes has `k8s-app=kube-proxy` as well, but its pods have not.
 *
 * Source: the kube-proxy-windows DaemonSet of kubernetes-sigs/sig-windows-tools.
 *
 * @throws ApiError when the API server refuses or does not answer, as every function here
 */
export async function listDaemonSets(config: KubeConfig): Promise<DaemonSet[]> {
  return (await listAll<DaemonSet>(config, paths.daemonSets)).filter(isKubeProxy);
}

/** Whether a DaemonSet in kube-system makes kube-proxy's pods. */
export function isKubeProxy({ spec }: DaemonSet): boolean {
  return spec.template.metadata.labels?.[label.key] === label.value;
}

/** An object's name. */
export function nameOf({ metadata }: DaemonSet | Pod): string {
  return metadata.name;
}

/** Whether this program made a DaemonSet. */
export function isOurs({ metadata }: DaemonSet): boolean {
  return metadata.annotations?.[restartAnnotation] !== undefined;
}

/** Who has written to an object, but for its status, the last one first. */
export function managersOf({ managedFields = [] }: Pick<Metadata, "managedFields">): string[] {
  const writers = managedFields.filter(({ subresource }) => subresource === undefined);
  const latestFirst = writers.toSorted(({ time: a = "" }, { time: b = "" }) => b.localeCompare(a));
  return [...new Set(latestFirst.map(({ manager }) => manager))];
}

/** kube-proxy's pods in kube-system, whoever they belong to; on one node only, when its name is given. */
export async function listPods(config: KubeConfig, node?: string): Promise<Pod[]> {
  const query = {
    ...ofKubeProxy,
    ...(node !== undefined && { fieldSelector: `spec.nodeName=${node}` }),
  };
  return await listAll<Pod>(config, paths.pods, { query });
}

/** The pods that help in a switch between modes, see `helperLabel`. */
export async function listHelpers(config: KubeConfig, signal?: AbortSignal): Promise<Pod[]> {
  const query = { labelSelector: helperLabel };
  return await listAll<Pod>(config, paths.pods, { query, signal });
}

/** Label of a pod that has its node pull an image: the name of the DaemonSet for which it does. */
export const pullLabel = "kube-proxy/pull";

/** The pods that have nodes pull an image. */
export async function listPulls(config: KubeConfig): Promise<Pod[]> {
  return await listAll<Pod>(config, paths.pods, { query: { labelSelector: pullLabel } });
}

/** kube-proxy's pods that belong to nobody: those that a deleted DaemonSet has left. */
export async function listOrphans(config: KubeConfig): Promise<Pod[]> {
  return (await listPods(config)).filter((pod) => controllerOf(pod) === undefined);
}

/** What the DaemonSet controller keeps of a pod template. */
export interface Revision {
  readonly metadata: Metadata;
  readonly revision: number;
  readonly data?: {
    readonly spec?: { readonly template?: { readonly metadata?: Pick<Metadata, "annotations"> } };
  };
}

/** Query for what the DaemonSet controller has given the pods' labels. */
export const ofKubeProxy = { labelSelector: `${label.key}=${label.value}` };

/** Revisions of kube-proxy's templates that belong to no DaemonSet any more. */
export async function listOrphanedRevisions(config: KubeConfig): Promise<Revision[]> {
  const revisions = await listAll<Revision>(config, paths.revisions, { query: ofKubeProxy });
  return revisions.filter((revision) => controllerOf(revision) === undefined);
}

/** Who makes a pod again when it is gone: a DaemonSet, or a Node for a static pod; or who keeps a revision. */
export function controllerOf({ metadata }: Pick<Pod, "metadata">): Owner | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}

/** Whether a pod serves: it is Ready and not about to end. */
export function isReady({ metadata, status }: Pod): boolean {
  const ready = status.conditions?.find(({ type }) => type === "Ready")?.status;
  return ready === "True" && metadata.deletionTimestamp === undefined;
}

/** What keeps a pod from being Ready, in a word of the kubelet's or of the pod's phase. */
export function whyNotReady({ metadata, status }: Pod): string {
  if (metadata.deletionTimestamp !== undefined) {
    return "Terminating";
  }
  const waiting = status.containerStatuses?.find(({ state }) => state?.waiting !== undefined)?.state?.waiting;
  return waiting?.reason ?? status.phase ?? "Unknown";
}

/** The exit code of a pod's container that has ended for good; undefined as long as it has not. */
export function endOf({ status }: Pod): number | undefined {
  const ended = status.phase === "Succeeded" || status.phase === "Failed";
  return ended ? (endedContainer(status)?.state?.terminated?.exitCode ?? -1) : undefined;
}

/** The container by which a pod has ended: the first one before its own that has failed, or its own. */
function endedContainer({
  initContainerStatuses = [],
  containerStatuses,
}: Pod["status"]): ContainerStatus | undefined {
  const failed = initContainerStatuses.find(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0);
  return failed ?? containerStatuses?.[0];
}

/** Whether a pod's container has ever had a process. */
export function hasRun({ status }: Pod): boolean {
  return (status.containerStatuses ?? []).some(
    ({ restartCount = 0, state, lastState }) =>
      restartCount > 0 || [state?.running, state?.terminated, lastState?.terminated].some(Boolean),
  );
}

/** What a pod's container said before it ended; empty where it has not ended, or said nothing. */
export function messageOf({ status }: Pod): string {
  const container = endedContainer(status);
  return (container?.state?.terminated ?? container?.lastState?.terminated)?.message ?? "";
}

/** The last line of {@link messageOf}; undefined where there is none. */
export function lastWords(pod: Pod): string | undefined {
  return messageOf(pod).trim().split("\n").at(-1) || undefined;
}

/** Deletes a DaemonSet and leaves its pods. It is gone when the garbage collector has cut their ties. */
export async function deleteAndOrphan(config: KubeConfig, { metadata }: DaemonSet): Promise<void> {
  await unlessChanged(
    request(config, HttpMethod.DELETE, `${paths.daemonSets}/${metadata.name}`, {
      body: { propagationPolicy: "Orphan", preconditions: { uid: metadata.uid } },
    }),
  );
}

/** Creates a pod; one of that name may be there already. */
export async function createPod(config: KubeConfig, pod: object): Promise<void> {
  await unlessChanged(
    request(config, HttpMethod.POST, paths.pods, { body: { apiVersion: "v1", kind: "Pod", ...pod } }),
  );
}

/** Deletes a pod. */
export async function deletePod(config: KubeConfig, { metadata }: Pod): Promise<void> {
  await unlessChanged(
    request(config, HttpMethod.DELETE, `${paths.pods}/${metadata.name}`, {
      body: { preconditions: { uid: metadata.uid } },
    }),
  );
}

/** Deletes a revision of a pod template. */
export async function deleteRevision(config: KubeConfig, { metadata }: Revision): Promise<void> {
  await unlessChanged(
    request(config, HttpMethod.DELETE, `${paths.revisions}/${metadata.name}`, {
      body: { preconditions: { uid: metadata.uid } },
    }),
  );
}

/** Sets labels of a pod. */
export async function labelPod(
  config: KubeConfig,
  { metadata }: Pod,
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  await unlessChanged(
    request(config, HttpMethod.PATCH, `${paths.pods}/${metadata.name}`, { body: { metadata: { labels } } }),
  );
}

/** The object may be gone meanwhile, and another one have come by its name: whoever asked looks again. */
async function unlessChanged(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof ApiError && (error.status === 404 || error.status === 409))) {
      throw error;
    }
  }
}
