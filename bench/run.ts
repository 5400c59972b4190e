// Runs the Pulumi program that its argument names, with mocks, and prints the memory it took at most, in MB.
import * as pulumi from "@pulumi/pulumi";

await pulumi.runtime.setMocks(
  { newResource: ({ name, inputs }) => ({ id: name, state: inputs as object }), call: () => ({}) },
  "kube-proxy",
  "bench",
  false,
  "organization",
);
await import(process.argv[2] ?? "");
await pulumi.runtime.disconnect();
console.log(process.resourceUsage().maxRSS / 1024);
