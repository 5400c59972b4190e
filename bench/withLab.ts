/** A lab for a measurement alone. */
import { down, type Lab, up, type UpOptions } from "../lab/index.ts";

/**
 * Does some work on a new lab, and ends that afterwards: also when the work fails, or a signal ends this program.
 *
 * @param work - Is told of such a signal by a promise that rejects, so that it can leave nothing behind on the lab.
 */
export async function withLab(
  options: UpOptions & { name: string },
  work: (lab: Lab, interrupted: Promise<never>) => Promise<void>,
): Promise<void> {
  const { promise: interrupted, reject } = Promise.withResolvers<never>();
  interrupted.catch(() => undefined); // While the lab comes up, that ends it by itself.
  const interrupt = (signal: NodeJS.Signals): void => {
    reject(new Error(`interrupted by ${signal}`));
  };
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  try {
    await work(await up({ log: console.log, ...options }), interrupted);
  } finally {
    await down(options.name);
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}
