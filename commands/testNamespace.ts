// Run by the component's own `local.Command` before anything else that needs test Services, and by a destroy.
import { makeTestNamespace, removeTestNamespace } from "../components/cluster/testNamespace.ts";
import { operationOf, print, runCommand } from "./commandLine.ts";
import { connect } from "./connect.ts";

const usage = `Usage: node commands/testNamespace.ts make-test-namespace | remove-test-namespace

Makes the namespace of the test Services where there is none, or removes it if this program has made it; see docs/verify.md.`;

async function main(): Promise<void> {
  const operation = operationOf({ "make-test-namespace": undefined, "remove-test-namespace": "--remove" });
  const work = { "make-test-namespace": makeTestNamespace, "remove-test-namespace": removeTestNamespace };
  print(await work[operation](await connect()));
}

await runCommand({ usage }, main);
