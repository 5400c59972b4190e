import { RareTask } from "../facts/rareTasks.ts";
import { snapshotNamespace } from "../plan/snapshotIn.ts";
import { Task } from "../plan/task.ts";
import { testNamespace } from "../plan/testNamespace.ts";

/** A right in the words of an RBAC rule. */
export interface Right {
  /** Empty for the core group. */
  readonly group: string;
  /** Plural, with a subresource behind a slash. */
  readonly resource: string;
  readonly verbs: readonly string[];
  /** Which objects; absent for all. */
  readonly names?: readonly string[];
  /** Whether the objects of pools, `kube-proxy-POOL`, are meant beside {@link names}. */
  readonly ofPools?: boolean;
  /** Which namespace; absent for what has none, or for all. */
  readonly namespace?: string;
  /** What needs it. */
  readonly tasks: readonly Task[];
}

const namespace = "kube-system";
const rbac = "rbac.authorization.k8s.io";
const own = { namespace, names: ["kube-proxy"] };
const ownRoleName = { names: ["kube-proxy:node-proxier"] };
const {
  look,
  check,
  provision,
  bind,
  ownRole,
  change,
  immutable,
  keepSnapshot,
  repair,
  restart,
  pools,
  restartNodes,
  switchMode,
  pull,
  verify,
  stop,
  destroy,
} = Task;

/**
 * Every right that the program and the engine's Kubernetes provider use, each with what needs it: the one list of them,
 * from which the caller's rights are asked for before an `up`.
 *
 * Source: the requests of `components/cluster`; the provider's `pkg/await` at v4.34, which reads an object before it
 * changes it, applies server-side (`patch`), and watches DaemonSets and pods while it waits.
 */
export const rights: readonly Right[] = [
  { group: "", resource: "namespaces", names: [namespace], verbs: ["get"], tasks: [look] },
  { group: "", resource: "nodes", verbs: ["list"], tasks: [look, pools, restartNodes, verify] },
  { group: "", resource: "configmaps", namespace, verbs: ["list"], tasks: [look] },
  { group: "", resource: "configmaps", namespace, names: ["kubeadm-config"], verbs: ["get"], tasks: [look] },
  { group: "apps", resource: "daemonsets", namespace, verbs: ["list"], tasks: [look, pools] },
  // The provider reads every object before it does anything with it.
  ...objects(["get"], [look]),
  {
    group: rbac,
    resource: "clusterroles",
    names: ["kube-proxy:node-proxier"],
    verbs: ["get"],
    tasks: [look],
  },

  { group: "apps", resource: "daemonsets", verbs: ["list"], tasks: [check] },
  { group: "", resource: "pods", namespace, verbs: ["list"], tasks: [look] },
  // Whether somebody else would adopt the pods.
  ...[
    { group: "apps", resource: "replicasets" },
    { group: "apps", resource: "statefulsets" },
    { group: "batch", resource: "jobs" },
    { group: "", resource: "replicationcontrollers" },
  ].map((kind) => ({ ...kind, namespace, verbs: ["list"], tasks: [check, restart, pools] })),
  { group: "", resource: "resourcequotas", namespace, verbs: ["list"], tasks: [check] },
  {
    group: "admissionregistration.k8s.io",
    resource: "validatingwebhookconfigurations",
    verbs: ["list"],
    tasks: [check],
  },
  {
    group: "admissionregistration.k8s.io",
    resource: "mutatingwebhookconfigurations",
    verbs: ["list"],
    tasks: [check],
  },
  { group: rbac, resource: "clusterroles", names: ["system:node-proxier"], verbs: ["get"], tasks: [check] },
  { group: "scheduling.k8s.io", resource: "priorityclasses", verbs: ["list"], tasks: [check] },
  { group: "networking.k8s.io", resource: "servicecidrs", verbs: ["list"], tasks: [check] },
  {
    group: "discovery.k8s.io",
    resource: "endpointslices",
    namespace: "default",
    verbs: ["list"],
    tasks: [check],
  },

  ...objects(["create"], [provision]),
  { group: rbac, resource: "clusterroles", names: ["system:node-proxier"], verbs: ["bind"], tasks: [bind] },
  // A preview tries the RoleBinding out before the Role is there.
  { group: rbac, resource: "roles", ...own, verbs: ["bind"], tasks: [provision] },
  { group: rbac, resource: "clusterroles", verbs: ["create"], tasks: [ownRole] },
  { group: rbac, resource: "clusterroles", ...ownRoleName, verbs: ["bind", "escalate"], tasks: [ownRole] },
  { group: rbac, resource: "clusterroles", ...ownRoleName, verbs: ["delete"], tasks: [destroy] },
  { group: "", resource: "configmaps", ...own, ofPools: true, verbs: ["patch"], tasks: [change] },
  { group: "apps", resource: "daemonsets", ...own, ofPools: true, verbs: ["patch"], tasks: [change] },
  { group: "apps", resource: "daemonsets", namespace, verbs: ["create"], tasks: [restart, pools] },
  {
    group: "apps",
    resource: "daemonsets",
    ...own,
    ofPools: true,
    verbs: ["delete"],
    tasks: [restart, pools, stop],
  },
  { group: "", resource: "configmaps", namespace, verbs: ["create"], tasks: [pools] },
  {
    group: "",
    resource: "configmaps",
    namespace,
    names: [],
    ofPools: true,
    verbs: ["delete"],
    tasks: [pools],
  },
  // While it waits for a rollout.
  {
    group: "apps",
    resource: "daemonsets",
    namespace,
    verbs: ["list", "watch"],
    tasks: [provision, change, restart, pools, stop],
  },
  {
    group: "",
    resource: "pods",
    namespace,
    verbs: ["list", "watch"],
    tasks: [provision, change, restart, pools],
  },
  {
    group: "",
    resource: "events",
    namespace,
    verbs: ["list", "watch"],
    tasks: [provision, change, restart, pools],
  },
  { group: "", resource: "pods", namespace, verbs: ["patch"], tasks: [pools] },
  {
    group: "",
    resource: "pods",
    namespace,
    verbs: ["list", "delete"],
    tasks: [pools, restartNodes, stop, destroy],
  },
  {
    group: "apps",
    resource: "controllerrevisions",
    namespace,
    verbs: ["list"],
    tasks: [repair, restartNodes, verify],
  },
  // What a deletion that leaves the pods leaves of their templates.
  {
    group: "apps",
    resource: "controllerrevisions",
    namespace,
    verbs: ["list", "delete"],
    tasks: [stop, destroy],
  },
  { group: "", resource: "pods", namespace, verbs: ["list"], tasks: [verify] },
  // By WebSocket, which is a GET; since 1.35 the API server wants `create` as well.
  {
    group: "",
    resource: "pods/portforward",
    namespace,
    verbs: ["get", "create"],
    tasks: [restartNodes, switchMode, verify],
  },
  // Whether Services answer: by test Services, at the pods' addresses.
  { group: "", resource: "pods/proxy", namespace, verbs: ["get"], tasks: [restartNodes, verify] },
  { group: "", resource: "namespaces", names: [testNamespace], verbs: ["get"], tasks: [verify] },
  {
    group: "",
    resource: "services",
    namespace: testNamespace,
    verbs: ["list", "create", "delete"],
    tasks: [restartNodes, verify],
  },
  {
    group: "discovery.k8s.io",
    resource: "endpointslices",
    namespace: testNamespace,
    verbs: ["list", "create"],
    tasks: [restartNodes, verify],
  },
  // Signs of life of the nodes, after they have passed.
  {
    group: "coordination.k8s.io",
    resource: "leases",
    namespace: "kube-node-lease",
    verbs: ["list"],
    tasks: [restartNodes, verify],
  },
  // Immutable ConfigMaps, whose names nobody knows beforehand.
  {
    group: "",
    resource: "configmaps",
    namespace,
    verbs: ["get", "list", "watch", "create", "patch", "delete"],
    tasks: [immutable],
  },
  {
    group: "",
    resource: "secrets",
    namespace: snapshotNamespace,
    verbs: ["list", "create", "delete"],
    tasks: [keepSnapshot],
  },
  // The helpers, and the pods that clear; those that pull an image.
  { group: "", resource: "pods", namespace, verbs: ["list", "create", "delete"], tasks: [switchMode, pull] },
  ...objects(["patch"], [repair]),
  ...objects(["delete"], [destroy]),
  // The provider watches whatever it deletes until it is gone.
  ...objects(["list", "watch"], [destroy]),
  { group: "", resource: "configmaps", namespace, verbs: ["list", "watch"], tasks: [pools] },
];

/** The same verbs for each of kube-proxy's objects; what makes or lists them knows no names. */
function objects(verbs: readonly string[], tasks: readonly Task[]): Right[] {
  const named = !["create", "list", "watch"].some((verb) => verbs.includes(verb));
  const within = { verbs, tasks, namespace, ...(named && { names: ["kube-proxy"] }) };
  const pooled = named ? { ofPools: true } : {};
  return [
    { ...within, group: "", resource: "serviceaccounts" },
    { ...within, ...pooled, group: "", resource: "configmaps" },
    { ...within, ...pooled, group: "apps", resource: "daemonsets" },
    { ...within, group: rbac, resource: "roles" },
    { ...within, group: rbac, resource: "rolebindings" },
    {
      group: rbac,
      resource: "clusterrolebindings",
      verbs,
      tasks,
      ...(named && { names: ["kubeadm:node-proxier"] }),
    },
  ];
}

const rareTasks: readonly Task[] = Object.values(RareTask);

/** One verb on one object, or on all of a kind. */
export interface Access {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly tasks: readonly Task[];
}

/**
 * What has to be asked for one by one, each thing once.
 *
 * @param pools - names of the pools
 * @param wanted - tasks whose rights are asked for beside those that every stack may come to have
 */
export function accessesOf(pools: readonly string[], wanted: readonly Task[] = []): Access[] {
  const isAsked = (task: Task) => wanted.includes(task) || !rareTasks.includes(task);
  const needed = rights.filter(({ tasks }) => tasks.some(isAsked));
  const all = needed.flatMap(({ verbs, names, ofPools, ...right }): Access[] => {
    const objects = names && [...names, ...(ofPools ? pools.map((pool) => `kube-proxy-${pool}`) : [])];
    return verbs.flatMap((verb) =>
      (objects ?? [undefined]).map((name) => ({ ...right, verb, ...(name && { name }) })),
    );
  });
  return [...Map.groupBy(all, describeAccess).values()].flatMap(([first, ...others]) =>
    first === undefined
      ? []
      : [{ ...first, tasks: [...first.tasks, ...others.flatMap(({ tasks }) => tasks)] }],
  );
}

/** An access in words, such as `delete daemonsets.apps kube-proxy in kube-system`. */
export function describeAccess({ verb, group, resource, name, namespace }: Omit<Access, "tasks">): string {
  const [kind = "", ...sub] = resource.split("/");
  const what = [group === "" ? kind : `${kind}.${group}`, ...sub].join("/");
  return [verb, what, ...(name ? [name] : []), ...(namespace ? [`in ${namespace}`] : [])].join(" ");
}
