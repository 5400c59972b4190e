import type { Packages } from "../real/packages.ts";

/** Where a kernel comes from. */
export interface KernelSource {
  packages: Packages;
  /** The suite that has it, where it is not Debian 12's: at the same mirror as Debian 12's security updates. */
  suite?: string;
}

/** Debian's kernels for virtual machines that a lab offers. */
export const kernels = {
  /** Debian 12's. */
  "6.1": { packages: { "linux-image-6.1.0-56-cloud-amd64": "6.1.192-2" } },
  /** Debian 11's: too old for kube-proxy's mode nftables, which wants 5.13. */
  "5.10": {
    packages: { "linux-image-5.10.0-46-cloud-amd64": "5.10.262-1" },
    suite: "bullseye-security",
  },
} as const satisfies Record<string, KernelSource>;

/** One of {@link kernels}. */
export type Kernel = keyof typeof kernels;

/** The kernel that a machine has unless another is asked for. */
export const defaultKernel: Kernel = "6.1";

/** @throws Error unless `kernel` is one of {@link kernels}. */
export function checkKernel(kernel: string): asserts kernel is Kernel {
  if (!Object.hasOwn(kernels, kernel)) {
    const accepted = Object.keys(kernels).join(" or ");
    throw new Error(`kernel: ${JSON.stringify(kernel)} is not accepted; give ${accepted}`);
  }
}
