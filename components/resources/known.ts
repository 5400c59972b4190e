import type * as pulumi from "@pulumi/pulumi";

/**
 * Whether an output has a value; in a preview those of a resource have none that the update is going to create or replace.
 */
export function isKnown(output: pulumi.Output<unknown>): Promise<boolean> {
  // The SDK declares it for itself only; without it, a program cannot wait for what may stay unknown.
  return (output as unknown as { isKnown: Promise<boolean> }).isKnown;
}

/** Settles when an output does, also where it stays unknown; the SDK declares this for itself only, too. */
export function promiseOf(output: pulumi.Output<unknown>): Promise<unknown> {
  return (output as unknown as { promise: () => Promise<unknown> }).promise();
}
