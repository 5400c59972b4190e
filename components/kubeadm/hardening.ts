/** Pure: kube-proxy with the fewest rights that it works with. */
import type { PodSpec, SecurityContext } from "./objects.ts";

/** Name of the container that runs once, with all rights, before kube-proxy itself. */
export const initName = "kube-proxy-init";

/**
 * What each mode works with. `nft` speaks netlink alone; `iptables` on a node with its legacy tables, and `ipset`, which mode
 * ipvs needs, open raw sockets.
 */
const capabilities: ReadonlyMap<string, readonly string[]> = new Map([
  ["nftables", ["NET_ADMIN"]],
  ["iptables", ["NET_ADMIN", "NET_RAW"]],
  ["ipvs", ["NET_ADMIN", "NET_RAW"]],
]);

/** The rights of the lasting container in a mode. */
export function rightsIn(mode: string): SecurityContext {
  return {
    privileged: false,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"], add: capabilities.get(mode) ?? [] },
    seccompProfile: { type: "RuntimeDefault" },
  };
}

/** A spec with the rights of another mode, where it is hardened. */
export function hardenedFor(mode: string, spec: PodSpec): PodSpec {
  const [container] = spec.containers;
  return spec.initContainers === undefined
    ? spec
    : { ...spec, containers: [{ ...container, securityContext: rightsIn(mode) }] };
}

/**
 * What needs all rights, kernel parameters and modules, is done once by an init container; the lasting one gets
 * {@link rightsIn} its mode. Both see the same volumes, variables and arguments.
 *
 * Source: `--init-only` of cmd/kube-proxy/app/options.go, since 1.29 (kubernetes/kubernetes#120864).
 */
export function harden(spec: PodSpec, mode: string): PodSpec {
  const [container] = spec.containers;
  const { image, imagePullPolicy, command, env, resources, securityContext, volumeMounts } = container;
  const once = { image, imagePullPolicy, env, resources, securityContext, volumeMounts };
  const initContainers = [{ ...once, name: initName, command: [...command, "--init-only"] }] as const;
  return hardenedFor(mode, { ...spec, initContainers });
}
