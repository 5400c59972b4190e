/** Pure: what kubeadm has to be given so that it makes the kube-proxy which the program wants. */
import { podAnnotationsOf } from "../adoption/live.ts";
import { typeMeta } from "../configuration/render.ts";
import type { ClusterFacts } from "../facts/facts.ts";
import type { Problem } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";
import { parseEndpoint } from "../kubeadm/address.ts";
import { group } from "../kubeadm/documentFields.ts";
import { kubeProxyObjects } from "../kubeadm/manifests.ts";
import { type Minor, sinceMinor } from "../kubeadm/minors.ts";
import type { DaemonSet } from "../kubeadm/objects.ts";
import { type Operation, patchOf } from "../kubeadm/patch.ts";
import { ClusterRoleChoice, type Settings } from "../kubeadm/settings.ts";
import { initialToken, kubectlRestart, ownerAnnotation, restartAnnotation } from "../restart/restart.ts";
import { isOverwritten } from "./drift.ts";
import { objectsOf, type Plain, planOf } from "./plan.ts";

type Documents = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/**
 * kubeadm's documents with those of the settings that kubeadm knows itself. An image repository is not among them: it is
 * the one of all of kubeadm's images, so that kube-proxy's own is a part of the patch.
 *
 * @param documents - by their kinds
 * @param minor - of the kubeadm that reads them
 * @param directory - where kubeadm finds the patch; a directory that the documents name stays
 */
export function withSettings(
  documents: Documents,
  settings: Partial<Settings>,
  minor: Minor,
  directory: string,
): Documents {
  const { kubernetesVersion, controlPlaneEndpoint, podSubnet, advertiseAddress, configuration } = settings;
  const { ClusterConfiguration: cluster = {}, InitConfiguration: init = {}, ...others } = documents;
  const { [typeMeta.kind]: _, ...strangers } = others;
  const header = { apiVersion: `${group}/${minor.apiVersions.at(-1)}` };
  const patches = isRecord(init["patches"]) ? init["patches"] : {};
  return {
    InitConfiguration: {
      ...header,
      kind: "InitConfiguration",
      ...init,
      patches: { ...patches, directory: patches["directory"] || directory },
      ...within(init, "localAPIEndpoint", { advertiseAddress }),
    },
    ClusterConfiguration: {
      ...header,
      kind: "ClusterConfiguration",
      ...cluster,
      ...given({ kubernetesVersion, controlPlaneEndpoint }),
      ...within(cluster, "networking", { podSubnet }),
    },
    // Even an empty one would be the user's own for kubeadm, which then keeps no hash of it.
    ...(configuration !== undefined && { [typeMeta.kind]: { ...typeMeta, ...configuration } }),
    ...strangers,
  };
}

function given(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function within(document: Documents[string], key: string, values: Readonly<Record<string, unknown>>): object {
  const set = given(values);
  const section = document[key];
  return Object.keys(set).length === 0 ? {} : { [key]: { ...(isRecord(section) && section), ...set } };
}

/**
 * The patch by which kubeadm makes the DaemonSet that the program wants.
 *
 * With facts of a cluster where this program's DaemonSet runs, that is the one which a preview would want, with its
 * annotations: kubeadm writes the whole object anew. Otherwise it has the settings alone, as a kube-proxy that is taken
 * over afterwards.
 *
 * @param made - the settings as kubeadm has them
 * @param plain - the settings as the program has them
 */
export function kubeadmPatch(made: Settings, plain: Plain, facts: ClusterFacts | undefined): Operation[] {
  return patchOf(kubeProxyObjects(made).daemonSet, wantedOf(plain, facts));
}

function wantedOf(plain: Plain, facts: ClusterFacts | undefined): DaemonSet {
  const live = facts?.daemonSets.find(({ annotations }) => restartAnnotation in annotations);
  if (facts === undefined || live === undefined) {
    return kubeProxyObjects(plain).daemonSet;
  }
  const owner = live.annotations[ownerAnnotation];
  const [{ daemonSet }] = planOf(plain, facts, owner === undefined ? {} : { owner }).waves;
  const pods = podAnnotationsOf(objectsOf(facts).find(({ kind }) => kind === "DaemonSet"));
  const { [kubectlRestart]: restartedAt } = pods;
  return restartedAt === undefined ? daemonSet : withRestartedAt(daemonSet, restartedAt);
}

/** Without what `kubectl rollout restart` has written every pod would restart. */
function withRestartedAt(daemonSet: DaemonSet, restartedAt: string): DaemonSet {
  const { spec } = daemonSet;
  const { metadata } = spec.template;
  const annotations = { ...metadata.annotations, [kubectlRestart]: restartedAt };
  const template = { ...spec.template, metadata: { ...metadata, annotations } };
  return { ...daemonSet, spec: { ...spec, template } };
}

const since = sinceMinor(({ patchesDaemonSet }) => patchesDaemonSet);

/** What of the settings kubeadm of a minor cannot make, whatever patch it is given. */
export function patchProblems(
  {
    kubernetesVersion,
    pools = [],
    running = true,
    clusterRole,
    controlPlaneEndpoint,
    ...plain
  }: Partial<Plain>,
  minor: Minor,
  facts: ClusterFacts | undefined,
): Problem[] {
  const refused = (path: string, value: unknown, accepted: string): Problem => ({ path, value, accepted });
  return [
    ...(minor.patchesDaemonSet
      ? []
      : [
          refused(
            "kubernetesVersion",
            kubernetesVersion,
            `v1.${since} or later, as kubeadm of 1.${minor.minor} patches no DaemonSet: ${instead(minor)}`,
          ),
        ]),
    ...(pools.length === 0
      ? []
      : [
          refused(
            "pools",
            pools.map(({ name }) => name),
            `none, as kubeadm makes one DaemonSet for all nodes: ${instead(minor)}`,
          ),
        ]),
    ...(running ? [] : [refused("running", running, `true, as kubeadm stops nothing: ${instead(minor)}`)]),
    ...(clusterRole === ClusterRoleChoice.create
      ? [
          refused(
            "clusterRole",
            clusterRole,
            `${ClusterRoleChoice.bootstrap}, as kubeadm ends at a binding of another ClusterRole: ${instead(minor)}`,
          ),
        ]
      : []),
    ...(controlPlaneEndpoint === undefined || parseEndpoint(controlPlaneEndpoint) !== undefined
      ? []
      : [
          refused(
            "controlPlaneEndpoint",
            controlPlaneEndpoint,
            `host[:port], as kubeadm takes no whole URL: ${instead(minor)}`,
          ),
        ]),
    ...pendingRestart(plain.restart, facts),
    ...(facts?.daemonSets ?? []).filter(isOverwritten).map(({ name }) => ({
      path: `DaemonSet kube-system/${name}`,
      accepted: "was written anew by kubeadm, without this program's annotations: `pulumi up` first",
    })),
  ];
}

/** kubeadm changes the DaemonSet in place; a restart is more than that. */
function pendingRestart(token: string = initialToken, facts: ClusterFacts | undefined): Problem[] {
  const inForce = facts?.daemonSets.flatMap(({ annotations }) => annotations[restartAnnotation] ?? []) ?? [];
  return inForce
    .filter((one) => one !== token)
    .map((one) => ({
      path: "restart",
      value: token,
      accepted: `${JSON.stringify(one)}, the token in force: \`pulumi up\` first, which restarts kube-proxy`,
    }));
}

/** How kubeadm of a minor is kept away from kube-proxy. */
function instead({ upgradeObeysProxyDisabled }: Minor): string {
  return upgradeObeysProxyDisabled === undefined
    ? "have `kubeadm init` leave kube-proxy out by --skip-phases=addon/kube-proxy, and run `pulumi up` after each `kubeadm upgrade`"
    : "have kubeadm leave kube-proxy alone by `proxy: {disabled: true}` in ClusterConfiguration (docs/upgrade.md)";
}

/**
 * What is not as the program wants it after kubeadm, whatever patch it is given, until the next `pulumi up`: sentences.
 *
 * @param cluster - the settings as kubeadm-config has them; undefined where no cluster was asked
 */
export function patchWarnings(own: Partial<Plain>, cluster: Partial<Settings> | undefined): string[] {
  const differing = (["podSubnet", "controlPlaneEndpoint"] as const).filter(
    (key) => own[key] !== undefined && cluster?.[key] !== undefined && own[key] !== cluster[key],
  );
  return [
    ...(own.metadata === undefined
      ? []
      : [
          "metadata: kubeadm patches the DaemonSet alone and writes the other objects without it; the next `pulumi up` puts it back, and no pod restarts",
        ]),
    ...differing.map(
      (key) =>
        `${key}: \`kubeadm upgrade\` goes by ConfigMap kubeadm-config, where it is ${cluster?.[key]}: make it ${own[key]} there, too`,
    ),
  ];
}
