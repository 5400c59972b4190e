import * as pulumi from "@pulumi/pulumi";

/**
 * Ends the program with a text that Pulumi prints once, as it is, and says which resource it is about.
 *
 * The SDK hands one and the same error to everybody who waits for a value, and each property of each resource that does puts
 * "error serializing property ..." before its message: so this one's cannot be changed. And of an error that it hears of
 * when the program's last line has run it prints the stack, if there is one.
 */
export class Refusal extends pulumi.ResourceError {
  constructor(text: string, resource: pulumi.Resource) {
    super(text, resource, true);
    Object.defineProperty(this, "message", { get: () => text, set: () => undefined });
    delete this.stack;
  }
}
