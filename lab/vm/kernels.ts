/** Debian's kernels for virtual machines that a lab offers: Debian 12's and Debian 11's. */
export const kernels = ["6.1", "5.10"] as const;

/** One of {@link kernels}. */
export type Kernel = (typeof kernels)[number];

/** The kernel that a machine has unless another is asked for. */
export const defaultKernel: Kernel = "6.1";

/** @throws Error unless `kernel` is one of {@link kernels}. */
export function checkKernel(kernel: string): asserts kernel is Kernel {
  if (!(kernels as readonly string[]).includes(kernel)) {
    throw new Error(`kernel: ${JSON.stringify(kernel)} is not accepted; give ${kernels.join(" or ")}`);
  }
}
