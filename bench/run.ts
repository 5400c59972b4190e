// Runs the Pulumi program that its argument names, with mocks, and prints the memory it took at most, in MB.
import * as pulumi from "@pulumi/pulumi";
import { Monitor, useMonitor } from "../tests/component/monitor.ts";

const monitor = new Monitor({
  newResource: ({ name, inputs }) => ({ id: name, state: inputs as object }),
  call: () => ({}),
});
await useMonitor(monitor, "bench");
await import(process.argv[2] ?? "");
await pulumi.runtime.disconnect();
console.log(process.resourceUsage().maxRSS / 1024);
