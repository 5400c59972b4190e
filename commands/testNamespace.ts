// Run by the component's own `local.Command` before anything else that needs test Services, and by a destroy.
import { parseArgs } from "node:util";
import { makeTestNamespace, removeTestNamespace } from "../components/cluster/testNamespace.ts";
import { print, runCommand, UsageError } from "./commandLine.ts";
import { connect } from "./connect.ts";

const usage = `Usage: node commands/testNamespace.ts --make | --remove

Makes the namespace of the test Services where there is none, or removes it if this program has made it; see docs/verify.md.`;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { make: { type: "boolean" }, remove: { type: "boolean" } } });
  if (values.make === values.remove) {
    throw new UsageError("--make or --remove: one of them is required");
  }
  const config = await connect();
  print(await (values.make === true ? makeTestNamespace(config) : removeTestNamespace(config)));
}

await runCommand({ usage }, main);
