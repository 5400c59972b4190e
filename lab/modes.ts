/** The modes of kube-proxy that a lab offers. */
export const modes = ["iptables", "nftables", "ipvs"] as const;

/** One of {@link modes}. */
export type Mode = (typeof modes)[number];

/** @throws Error unless `mode` is one of {@link modes}. */
export function checkMode(mode: string): asserts mode is Mode {
  if (!(modes as readonly string[]).includes(mode)) {
    throw new Error(
      `mode: ${JSON.stringify(mode)} is not accepted; give ${modes.slice(0, -1).join(", ")} or ${modes.at(-1)}`,
    );
  }
}
