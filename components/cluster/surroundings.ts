import type {
  ClusterRoleFacts,
  DataPlaneFacts,
  NamespaceFacts,
  OtherDaemonSetFacts,
  QuotaFacts,
  RuleFacts,
  SelectorFacts,
  StaticPodFacts,
  WebhookFacts,
} from "../facts/surroundings.ts";
import { isRecord } from "../input/record.ts";
import { repositoryOf } from "../kubeadm/image.ts";
import type { Reader } from "./reader.ts";
import { metadataOnly } from "./session.ts";
import { type DaemonSet, isKubeProxy, paths } from "./workload.ts";

/** Reads what stands around kube-proxy: a request for each kind of thing, however many there are. */

interface Named {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly labels?: Record<string, string>;
    readonly ownerReferences?: readonly { readonly kind: string }[];
  };
}

const system = "/api/v1/namespaces/kube-system";
const rbac = "/apis/rbac.authorization.k8s.io/v1";

/** Version of the API server. */
export async function readVersion(reader: Reader): Promise<string | undefined> {
  const answer = await reader.read("/version");
  if (answer === undefined) {
    return undefined;
  }
  const version = isRecord(answer) ? answer["gitVersion"] : undefined;
  if (typeof version !== "string") {
    throw reader.misunderstood("GET /version");
  }
  return version;
}

/** Namespace kube-system. */
export async function readNamespace(reader: Reader): Promise<NamespaceFacts | undefined> {
  const found = await reader.find<Named>(system);
  return found && { uid: found.metadata.uid, labels: found.metadata.labels ?? {} };
}

interface Webhook {
  readonly name: string;
  readonly failurePolicy?: string;
  readonly clientConfig: { readonly service?: { readonly namespace: string; readonly name: string } };
  readonly rules?: readonly {
    readonly operations?: string[];
    readonly apiGroups?: string[];
    readonly apiVersions?: string[];
    readonly resources?: string[];
    readonly scope?: string;
  }[];
  readonly namespaceSelector?: SelectorFacts;
  readonly objectSelector?: SelectorFacts;
  readonly matchConditions?: readonly unknown[];
}

/** Webhooks whose failure is a refusal. */
export async function readWebhooks(reader: Reader): Promise<WebhookFacts[]> {
  const kinds = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"];
  const found = await Promise.all(
    kinds.map(async (kind) => {
      const path = `/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}s`;
      const items = await reader.list<Named & { webhooks?: Webhook[] }>(path);
      return items.flatMap(({ metadata: { name }, webhooks = [] }) =>
        webhooks
          .filter(({ failurePolicy = "Fail" }) => failurePolicy === "Fail")
          .map((webhook) => webhookFacts(`${kind} ${name}`, webhook)),
      );
    }),
  );
  return found.flat();
}

function webhookFacts(configuration: string, webhook: Webhook): WebhookFacts {
  const { name, clientConfig, rules = [], namespaceSelector = {}, objectSelector = {} } = webhook;
  const { service } = clientConfig;
  return {
    configuration,
    name,
    rules: rules.map(
      ({ operations = [], apiGroups = [], apiVersions = [], resources = [], scope = "*" }) => ({
        operations,
        groups: apiGroups,
        versions: apiVersions,
        resources,
        scope,
      }),
    ),
    namespaceSelector,
    objectSelector,
    ...(service && { service: `${service.namespace}/${service.name}` }),
    ...((webhook.matchConditions?.length ?? 0) > 0 && { conditional: true }),
  };
}

interface Quota extends Named {
  readonly spec: Pick<QuotaFacts, "scopes"> & {
    readonly scopeSelector?: { readonly matchExpressions?: QuotaFacts["scopeSelector"] };
  };
  readonly status?: Partial<Pick<QuotaFacts, "hard" | "used">>;
}

/** ResourceQuotas of kube-system. */
export async function readQuotas(reader: Reader): Promise<QuotaFacts[]> {
  const found = await reader.list<Quota>(`${system}/resourcequotas`);
  return found.map(({ metadata, spec, status }) => {
    const { scopes, scopeSelector } = spec;
    const { hard = {}, used = {} } = status ?? {};
    const expressions = scopeSelector?.matchExpressions;
    const name = metadata.name;
    return {
      name,
      hard,
      used,
      ...(scopes && { scopes }),
      ...(expressions && { scopeSelector: expressions }),
    };
  });
}

/** The API server's own ClusterRole for kube-proxy, in a list that is empty without it. */
export async function readClusterRoles(reader: Reader): Promise<ClusterRoleFacts[]> {
  const name = "system:node-proxier";
  const found = await reader.find<{ rules?: Partial<RuleFacts>[] }>(`${rbac}/clusterroles/${name}`);
  const rules = (found?.rules ?? []).map(({ apiGroups = [], resources = [], verbs = [], resourceNames }) => ({
    apiGroups,
    resources,
    verbs,
    ...(resourceNames && { resourceNames }),
  }));
  return found === undefined ? [] : [{ name, rules }];
}

/** Names of all PriorityClasses: which one kube-proxy's pods have is a setting. */
export async function readPriorityClasses(reader: Reader): Promise<string[]> {
  const found = await reader.list<Named>("/apis/scheduling.k8s.io/v1/priorityclasses");
  return found.map(({ metadata: { name } }) => name);
}

/** The Services' ranges; undefined where the API server has no objects for them. */
export async function readServiceCIDRs(reader: Reader): Promise<string[] | undefined> {
  const path = "/apis/networking.k8s.io/v1/servicecidrs";
  const found = await reader.listIfServed<{ spec: { cidrs?: string[] } }>(path);
  return found?.flatMap(({ spec }) => spec.cidrs ?? []);
}

/** Addresses behind Service `kubernetes`, which the API servers keep themselves. */
export async function readApiServers(reader: Reader): Promise<string[] | undefined> {
  const query = { labelSelector: "kubernetes.io/service-name=kubernetes" };
  const path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
  const slices = await reader.listIfServed<{ endpoints?: { addresses: string[] }[] }>(path, { query });
  return slices?.flatMap(({ endpoints }) => (endpoints ?? []).flatMap(({ addresses }) => addresses));
}

/** A DaemonSet with the pod template as far as it is looked at. */
export interface OtherDaemonSet extends DaemonSet {
  readonly metadata: DaemonSet["metadata"] & { readonly namespace: string };
  readonly spec: {
    readonly selector?: SelectorFacts;
    readonly template: DaemonSet["spec"]["template"] & {
      readonly spec: {
        readonly nodeSelector?: Record<string, string>;
        readonly os?: { readonly name: string };
        readonly affinity?: {
          readonly nodeAffinity?: {
            readonly requiredDuringSchedulingIgnoredDuringExecution?: {
              readonly nodeSelectorTerms: readonly Pick<SelectorFacts, "matchExpressions">[];
            };
          };
        };
        readonly containers: readonly {
          readonly name: string;
          readonly image: string;
          readonly command?: string[];
          readonly args?: string[];
          readonly env?: readonly { readonly name: string; readonly value?: string }[];
        }[];
      };
    };
  };
}

/** DaemonSets of kube-system. */
export async function readSystemDaemonSets(reader: Reader): Promise<OtherDaemonSet[]> {
  return await reader.list<OtherDaemonSet>(paths.daemonSets);
}

/** DaemonSets that are not kube-proxy's as kubeadm makes it: those of kube-system, which are read already, and all others. */
export async function readOtherDaemonSets(
  reader: Reader,
  system: Promise<readonly OtherDaemonSet[]>,
): Promise<OtherDaemonSet[]> {
  const query = { fieldSelector: "metadata.namespace!=kube-system" };
  const elsewhere = await reader.list<OtherDaemonSet>("/apis/apps/v1/daemonsets", { query });
  return [...(await system).filter((one) => !isKubeProxy(one)), ...elsewhere];
}

export function otherDaemonSetFacts({ metadata, spec }: OtherDaemonSet): OtherDaemonSetFacts {
  const { nodeSelector = {}, os, affinity, containers } = spec.template.spec;
  const { nodeSelectorTerms } = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? {};
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    nodeSelector,
    ...(os && { os: os.name }),
    ...(nodeSelectorTerms && {
      terms: nodeSelectorTerms.map(({ matchExpressions = [] }) => ({ matchExpressions })),
    }),
    containers: containers.map(({ name, image, command = [], args = [] }) => ({
      name,
      image,
      command: [...command, ...args],
    })),
  };
}

/**
 * Pods of kube-proxy that a kubelet runs from a file. Those of DaemonSets, of which there are many, are not even listed,
 * nor read from etcd, which knows no labels: version 0 is what the API server has in its memory. It may be some seconds old
 * there, and the answer has no pages, which is why long lists are read otherwise.
 */
export async function readStaticPods(reader: Reader): Promise<StaticPodFacts[]> {
  const found = await reader.list<Named>(paths.pods, {
    query: { labelSelector: "!controller-revision-hash", resourceVersion: "0" },
    accept: metadataOnly,
  });
  return found
    .filter(({ metadata: { labels = {}, ownerReferences = [] } }) => {
      const isStatic = ownerReferences.some(({ kind }) => kind === "Node");
      return isStatic && [labels["k8s-app"], labels["component"]].includes("kube-proxy");
    })
    .map(({ metadata: { name, namespace = "" } }) => ({ namespace, name }));
}

/** Settings of the network plugins that can do kube-proxy's work: one request for each that is there. */
export async function readDataPlanes(
  reader: Reader,
  daemonSets: Promise<readonly OtherDaemonSet[]>,
): Promise<DataPlaneFacts[]> {
  const found = await Promise.all(
    (await daemonSets).map(async (one) => {
      const images = one.spec.template.spec.containers.map(({ image }) => repositoryOf(image));
      if (images.some((image) => /(^|\/)cilium$/.test(image))) {
        return await readCilium(reader, one.metadata.namespace);
      }
      return images.some((image) => image.endsWith("calico/node")) ? await readCalico(reader, one) : [];
    }),
  );
  return found.flat();
}

async function readCilium(reader: Reader, namespace: string): Promise<DataPlaneFacts[]> {
  const key = "kube-proxy-replacement";
  const path = `/api/v1/namespaces/${namespace}/configmaps/cilium-config`;
  const value = (await reader.find<{ data?: Record<string, string> }>(path))?.data?.[key];
  const setting = `${key} in ConfigMap ${namespace}/cilium-config`;
  return value === undefined ? [] : [{ plugin: "Cilium", setting, value }];
}

/** By its environment or, which wins, its own resource. */
async function readCalico(reader: Reader, { metadata, spec }: OtherDaemonSet): Promise<DataPlaneFacts[]> {
  const path = "/apis/crd.projectcalico.org/v1/felixconfigurations/default";
  const felix = await reader.find<{ spec?: { bpfEnabled?: boolean } }>(path);
  const variable = "FELIX_BPFENABLED";
  const environment = spec.template.spec.containers
    .flatMap(({ env = [] }) => env)
    .find(({ name }) => name === variable)?.value;
  const plugin = "Calico";
  if (environment !== undefined) {
    const setting = `${variable} of DaemonSet ${metadata.namespace}/${metadata.name}`;
    return [{ plugin, setting, value: environment }];
  }
  const enabled = felix?.spec?.bpfEnabled;
  return enabled === undefined
    ? []
    : [{ plugin, setting: "bpfEnabled in FelixConfiguration default", value: String(enabled) }];
}
