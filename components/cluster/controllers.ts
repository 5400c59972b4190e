/** What makes pods in kube-system, and could adopt those of kube-proxy. */
import type { ControllerFacts, SelectorFacts } from "../facts/surroundings.ts";
import { type Problem, ProblemsError } from "../input/problems.ts";
import { adoptersOf, adopterTold } from "../preflight/adopters.ts";
import { leavesPods, restartAnnotation } from "../restart/restart.ts";
import { listAll } from "./api.ts";
import type { KubeConfig } from "./kubernetes.ts";
import { type DaemonSet, isKubeProxy, isOurs, listDaemonSets, nameOf, paths } from "./workload.ts";

interface Controller {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly selector?: SelectorFacts | Record<string, string> };
}

/** Deployments have their pods by ReplicaSets. */
const collections = {
  DaemonSet: paths.daemonSets,
  ReplicaSet: "/apis/apps/v1/namespaces/kube-system/replicasets",
  StatefulSet: "/apis/apps/v1/namespaces/kube-system/statefulsets",
  Job: "/apis/batch/v1/namespaces/kube-system/jobs",
  ReplicationController: "/api/v1/namespaces/kube-system/replicationcontrollers",
} as const;

type List = <T>(path: string) => Promise<T[]>;

/** Reads them: a request for each kind, but for the DaemonSets, which the caller has. */
export async function readControllers(
  list: List,
  daemonSets: Promise<readonly Controller[]>,
): Promise<ControllerFacts[]> {
  const found = await Promise.all(
    Object.entries(collections).map(async ([kind, path]) => {
      const controllers = kind === "DaemonSet" ? await daemonSets : await list<Controller>(path);
      return controllers.map((one) => controllerFacts(kind, one));
    }),
  );
  return found.flat();
}

function controllerFacts(
  kind: string,
  { metadata: { name }, spec: { selector = {} } }: Controller,
): ControllerFacts {
  return {
    kind,
    name,
    selector:
      kind === "ReplicationController" ? { matchLabels: selector as Record<string, string> } : selector,
  };
}

/**
 * Finds out, as the last thing before pods are orphaned, that nobody but this program's DaemonSets could adopt them.
 *
 * @param isOwn - whether a DaemonSet is one that may have them, beside this program's
 * @throws ProblemsError naming each controller that could; ApiError when the API server refuses or does not answer
 */
export async function refuseAdopters(config: KubeConfig, isOwn: (one: DaemonSet) => boolean): Promise<void> {
  const daemonSets = await listAll<DaemonSet & Controller>(config, paths.daemonSets);
  const controllers = await readControllers((path) => listAll(config, path), Promise.resolve(daemonSets));
  const own = daemonSets.filter((one) => isOurs(one) || isOwn(one));
  const pods = own.filter(isKubeProxy).map(({ spec }) => spec.template.metadata.labels ?? {});
  const names = new Set(own.map(nameOf));
  const adopters = adoptersOf(controllers, pods, (name) => names.has(name));
  if (adopters.length > 0) {
    throw new ProblemsError("the controllers of kube-system; nothing was changed", adopters.map(problemOf));
  }
}

function problemOf({ kind, name }: ControllerFacts): Problem {
  return {
    path: `${kind} kube-system/${name}`,
    accepted: `${adopterTold.wrong}; ${adopterTold.remedy}, and run the same again`,
  };
}

/**
 * {@link refuseAdopters}, before a DaemonSet is replaced that leaves its pods; nothing otherwise.
 *
 * @param daemonSet - its name
 * @param restart - the token that it is to carry; one that it carries already replaces nothing
 */
export async function refuseAdoptersOf(
  config: KubeConfig,
  daemonSet: string,
  restart: string | undefined,
): Promise<void> {
  const live = (await listDaemonSets(config)).find((one) => nameOf(one) === daemonSet);
  const { annotations = {} } = live?.metadata ?? {};
  if (live === undefined || !leavesPods(annotations) || annotations[restartAnnotation] === restart) return;
  await refuseAdopters(config, (one) => nameOf(one) === daemonSet);
}
