// Runs the Pulumi program that its argument names, with mocks, and prints the memory it took at most, in MB.
import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import { setMockOptions } from "@pulumi/pulumi/runtime/settings.js";

/** Pulumi's mocks have no hooks. */
class Monitor extends MockMonitor {
  registerResourceHook(_: unknown, callback: (error: unknown, response: unknown) => void): void {
    callback(null, {});
  }
}

const mocks: pulumi.runtime.Mocks = {
  newResource: ({ name, inputs }) => ({ id: name, state: inputs as object }),
  call: () => ({}),
};
await pulumi.runtime.setMocks(mocks, "kube-proxy", "bench");
setMockOptions(new Monitor(mocks), "kube-proxy", "bench", false, "organization");
await import(process.argv[2] ?? "");
await pulumi.runtime.disconnect();
console.log(process.resourceUsage().maxRSS / 1024);
