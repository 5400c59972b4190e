import * as v from "valibot";
import type { KubeProxyConfiguration } from "../configuration/types.ts";
import { optional, text } from "../input/schema.ts";
import { requirements } from "../kubeadm/podSettings.ts";
import type { NodeSelectorRequirement } from "../kubeadm/podTypes.ts";
import {
  maxUnavailable,
  maxSurge,
  type ResourceRequirements,
  settingsShape,
  type Toleration,
} from "../kubeadm/settings.ts";
import { isMaxFailed, maxFailedAccepted } from "./budget.ts";

/**
 * Nodes that have a DaemonSet of their own and are one wave of a restart. All that is not said here is as for the
 * others.
 */
export interface Pool {
  /** A DNS label of at most 52 characters: the DaemonSet is `kube-proxy-NAME`. */
  name: string;
  /** Labels that its nodes have, such as `{pool: canary}`. Default: none. */
  nodeSelector?: Record<string, string>;
  /** Further requirements of its nodes' labels. Default: none. */
  matchExpressions?: NodeSelectorRequirement[];
  /** Its nodes without a running kube-proxy at a time, such as `1` or `10%`. Default: as updateStrategy says. */
  maxUnavailable?: string;
  /** How many of its nodes may fail their proof before the wave halts, such as `2` or `10%`. Default: as for all. */
  maxFailed?: string;
  /** The whole image reference. Default: that of the others. */
  image?: string;
  /** KubeProxyConfiguration fields that override the common ones, section by section. Default: none. */
  configuration?: KubeProxyConfiguration;
  /** The container's requests and limits. Default: those of the others. */
  resources?: ResourceRequirements;
  /** Which taints are tolerated. Default: as for the others. */
  tolerations?: Toleration[];
}

/** `kube-proxy-` and the name have to fit into a label's 63 characters. */
const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$/;

/** Schema of how many nodes may fail their proof. */
export const maxFailed = optional(v.pipe(v.unknown(), v.check(isMaxFailed, maxFailedAccepted)));

/** The keys of a {@link Pool} and what each accepts. */
export const poolShape = {
  name: text("a DNS label of at most 52 characters: a-z, 0-9 and inner hyphens, such as canary", (value) =>
    dnsLabel.test(value),
  ),
  nodeSelector: settingsShape.nodeSelector,
  matchExpressions: requirements,
  maxUnavailable,
  maxSurge,
  maxFailed,
  image: settingsShape.image,
  configuration: settingsShape.configuration,
  resources: settingsShape.resources,
  tolerations: settingsShape.tolerations,
};

/** What its nodes' labels have to be. */
export function requirementsOf({
  nodeSelector = {},
  matchExpressions = [],
}: Pool): NodeSelectorRequirement[] {
  const equal = Object.entries(nodeSelector).map(([key, value]) => ({
    key,
    operator: "In",
    values: [value],
  }));
  return [...equal, ...matchExpressions];
}
