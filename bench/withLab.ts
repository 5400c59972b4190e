/** A lab for a measurement alone. */
import { down, type Lab, up, type UpOptions } from "../lab/index.ts";

/** Does some work on a new lab, and ends that afterwards: also when the work fails, or a signal ends this program. */
export async function withLab<T>(
  options: UpOptions & { name: string },
  work: (lab: Lab) => Promise<T>,
): Promise<T> {
  const { promise: interrupted, reject } = Promise.withResolvers<never>();
  const interrupt = (signal: NodeJS.Signals): void => {
    reject(new Error(`interrupted by ${signal}`));
  };
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  try {
    return await Promise.race([up({ log: console.log, ...options }).then(work), interrupted]);
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
    await down(options.name);
  }
}
