import * as pulumi from "@pulumi/pulumi";

/**
 * Keeps from Pulumi's handlers what they would tell again: where a resource fails, or the component refuses what it was asked
 * for, the SDK rejects the promise of every property that waits for it, and its handlers print each and every one, with its stack.
 * The engine has shown the resource that failed, and its construction ends with what was refused. To be called when
 * these handlers are there.
 */
export function tellRejectionsOnce(): void {
  const handlers = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (reason, promise) => {
    const isTold =
      pulumi.ResourceError.isInstance(reason) ||
      /failed to register$/.test((reason as Error | undefined)?.message ?? "");
    if (isTold) return;
    for (const handler of handlers) handler(reason, promise);
  });
}
