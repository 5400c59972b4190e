import type { KubeConfig } from "@kubernetes/client-node";
import { listAll } from "../api.ts";
import type { NodeResult } from "./types.ts";

interface Lease {
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly renewTime?: string };
}

/**
 * Whether nodes are alive after they have passed. A node whose network a new kube-proxy has cut off goes on being Ready
 * until the node controller misses it, for 40 s (50 s since 1.32): until then it looks as well as any other. What shows at
 * once is its Lease, which the kubelet renews every 10 s: one that is renewed after the node has passed was renewed over
 * the rules of the new kube-proxy. Two renewals are compared with each other alone, so that no clocks have to agree, and
 * nobody waits longer than the next one takes.
 */
export class SignsOfLife {
  readonly #config: KubeConfig;
  /** The last renewal before a node has passed, by its pod. */
  readonly #seen = new Map<string, string | undefined>();
  readonly #alive = new Set<string>();

  constructor(config: KubeConfig) {
    this.#config = config;
  }

  /** Whether a node has sent one since its pod has passed. */
  has({ pod }: NodeResult): boolean {
    return this.#alive.has(pod ?? "");
  }

  /**
   * Looks for those of the nodes that have passed: one list of Leases, and none where all have sent one.
   *
   * @throws ApiError when the API server refuses or does not answer
   */
  async look(passed: readonly NodeResult[], signal: AbortSignal): Promise<void> {
    const waiting = passed.filter((result) => !this.has(result));
    if (waiting.length === 0) return;
    const renewals = await this.#renewals(signal);
    for (const { node, pod } of waiting) {
      const [key, renewal] = [pod ?? "", renewals.get(node)];
      if (!this.#seen.has(key)) this.#seen.set(key, renewal);
      else if (renewal !== undefined && renewal !== this.#seen.get(key)) this.#alive.add(key);
    }
  }

  async #renewals(signal: AbortSignal): Promise<ReadonlyMap<string, string | undefined>> {
    const path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    const renewalOf = ({ metadata, spec }: Lease) => [metadata.name, spec?.renewTime] as const;
    return new Map(await listAll(this.#config, path, { signal }, renewalOf));
  }
}
