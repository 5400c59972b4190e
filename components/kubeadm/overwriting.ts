import { readYaml } from "../configuration/readYaml.ts";
import { isRecord } from "../input/record.ts";
import { minorOf, minors } from "./minors.ts";

/** What a user should know of the cluster's kubeadm. */
export interface Notice {
  /** `warn` where there is something to do about it. */
  readonly level: "info" | "warn";
  /** One line. */
  readonly line: string;
}

const disable =
  "set `proxy: {disabled: true}` in ClusterConfiguration: kubectl -n kube-system edit configmap kubeadm-config";
const oldestToObey = minors.find(({ upgradeObeysProxyDisabled }) => upgradeObeysProxyDisabled !== undefined);
const since = `v1.${oldestToObey?.minor}.${oldestToObey?.upgradeObeysProxyDisabled}`;

/** The first minor whose ClusterConfiguration, v1beta4, has the field `proxy`. */
const knowsProxy = 31;

/**
 * Says whether the next `kubeadm upgrade` of a cluster writes kube-proxy anew, and which setting stops that.
 *
 * Up to 1.31 it does unless there is no ConfigMap kube-proxy, which this program keeps for nodes that join; 1.32 has
 * `--skip-phases=addon/kube-proxy`; `proxy.disabled` was there before an upgrade obeyed it.
 *
 * @param clusterConfiguration - kubeadm's own, as ConfigMap kubeadm-config has it: YAML
 * @param what - what it does, such as `overwrites kube-proxy`
 * @returns undefined where it leaves kube-proxy alone, or where all is set for that
 *
 * Source: kubeadm's `cmd/upgrade` and `phases/upgrade/postupgrade.go`, at each minor.
 */
export function overwritingNotice(clusterConfiguration: string, what: string): Notice | undefined {
  const [document] = readYaml(clusterConfiguration);
  const { kubernetesVersion, proxy } = isRecord(document?.value) ? document.value : {};
  const version = /^v?1\.(\d+)\.(\d+)/.exec(typeof kubernetesVersion === "string" ? kubernetesVersion : "");
  if (version === null) {
    const reason = document?.error ?? `it has kubernetesVersion ${JSON.stringify(kubernetesVersion ?? null)}`;
    return {
      level: "warn",
      line: `ConfigMap kubeadm-config cannot be read (${reason}): nobody can tell whether kubeadm ${what} with its next upgrade.`,
    };
  }
  const [minor, patch] = [Number(version[1]), Number(version[2])];
  if (minor < knowsProxy) {
    const line =
      `kubeadm ${what} with every upgrade of this cluster, and before ${since} has no setting against it: ` +
      "run `pulumi up` after each.";
    return { level: "info", line };
  }
  if (isRecord(proxy) && proxy["disabled"] === true) {
    return undefined;
  }
  const { upgradeObeysProxyDisabled: from = Infinity } = minorOf(minor) ?? minors.at(-1) ?? {};
  const obeys =
    patch >= from
      ? ""
      : ` (kubeadm obeys that from ${since} on: give v1.32.0 --skip-phases=addon/kube-proxy, and run \`pulumi up\` after an older one)`;
  return {
    level: "warn",
    line: `kubeadm ${what} with the next upgrade of this cluster. To stop that, ${disable}${obeys}.`,
  };
}

/**
 * Whether a DaemonSet is kubeadm's own, which nobody else has written to.
 *
 * @param managers - who has written to it, in the API server's words
 */
export function isKubeadms(name: string, managers: readonly string[]): boolean {
  return name === "kube-proxy" && managers.length > 0 && managers.every((manager) => manager === "kubeadm");
}
