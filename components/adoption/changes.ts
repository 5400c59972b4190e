/** Pure: what the program changes in live objects that it takes over. */
import { serverIn } from "../kubeadm/clusterConfiguration.ts";
import { kubeProxyObjects } from "../kubeadm/manifests.ts";
import type { ConfigMap } from "../kubeadm/objects.ts";
import type { Settings } from "../kubeadm/settings.ts";
import { parseVersion } from "../kubeadm/version.ts";
import { withoutOwnAnnotations } from "./daemonSet.ts";
import { configurationOf, differingFields, readConfiguration } from "./configuration.ts";
import { differencesOf, formatPath, isBelow } from "./differences.ts";
import { dataOf, type LiveObject, madeOf } from "./live.ts";

/** What changes in live objects. */
export interface Changes {
  /** For people, one line each. */
  readonly changes: readonly string[];
  /** Whether neither the pods nor what they have read changes, so that none restarts. */
  readonly keepsPods: boolean;
}

/**
 * Says what changes in live objects when these settings are put in force.
 *
 * @param objects - without annotations that are nobody's edit
 */
export function changesOf(objects: readonly LiveObject[], settings: Settings): Changes {
  const minor = parseVersion(settings.kubernetesVersion)?.minor.minor ?? 0;
  const wanted = kubeProxyObjects(settings);
  const configMap = objects.find(({ kind }) => kind === "ConfigMap");
  const configuration =
    configMap === undefined ? [] : configurationChanges(dataOf(configMap), wanted.configMap, minor);
  const others = objects.flatMap((live) => {
    const made = madeOf(wanted, live.kind);
    return differencesOf(live, made && withoutOwnAnnotations(made))
      .filter(({ path }) => live.kind !== "ConfigMap" || path[0] === "metadata")
      .map(({ path }) => ({ path, text: `${live.kind}: ${formatPath(path)}` }));
  });
  return {
    changes: [...others, ...configuration].map(({ text }) => text),
    keepsPods:
      !others.some(({ path }) => isBelow(path, ["spec", "template"])) &&
      !configuration.some(({ isRead }) => isRead),
  };
}

/** `isRead` where kube-proxy reads another meaning, and not only other words. */
function configurationChanges(
  live: Readonly<Record<string, string>>,
  { data }: Pick<ConfigMap, "data">,
  minor: number,
): { text: string; isRead: boolean }[] {
  const { configuration = {} } = readConfiguration(live["config.conf"], minor);
  const fields = differingFields(configuration, configurationOf({ data }, minor), minor);
  const isMoved = serverIn(live["kubeconfig.conf"]) !== serverIn(data["kubeconfig.conf"]);
  const rewritten = Object.entries(data).filter(
    ([key, text]) => live[key] !== text && (key === "config.conf" ? fields.length === 0 : !isMoved),
  );
  return [
    ...fields.map((path) => ({ text: `ConfigMap: config.conf, ${path}`, isRead: true })),
    ...(isMoved ? [{ text: "ConfigMap: kubeconfig.conf, server", isRead: true }] : []),
    ...rewritten.map(([key]) => ({
      text: `ConfigMap: ${key} is written as kubeadm writes it, and means the same`,
      isRead: false,
    })),
  ];
}
