// Run by the component's own `local.Command` before a DaemonSet is changed, with `prePull`.
import * as v from "valibot";
import { type Pull, pull, removePulls } from "../components/cluster/pull.ts";
import { mapping, record, text } from "../components/input/schema.ts";
import { durationOf, operationOf, print, runCommand } from "./commandLine.ts";
import { connect } from "./connect.ts";
import { readJson } from "./jsonInput.ts";

const usage = `Usage: node commands/pull.ts pull-image < WANTED
       node commands/pull.ts remove-pulls

Has every Ready node of a DaemonSet pull its image and run it once, before any kube-proxy is replaced. Where the image comes
to no further node within the deadline, such as 5m, exit code 1. remove-pulls removes what an interrupted run has left.

WANTED is JSON: {"daemonSet": NAME, "spec": POD SPEC, "deadline": T}`;

const ended = "Nodes that have the image keep it; no kube-proxy was touched.";

const shape = mapping({
  daemonSet: text("a name"),
  spec: record(v.unknown(), "a pod's spec"),
  deadline: text("a duration"),
});

async function main(): Promise<void> {
  if (operationOf({ "pull-image": undefined, "remove-pulls": undefined }) === "remove-pulls") {
    await removePulls(await connect());
    return;
  }
  const { deadline, ...wanted } = readJson(shape) as Pull & { readonly deadline: string };
  await pull(await connect(), wanted, { patienceMs: durationOf("deadline", deadline), log: print });
}

await runCommand({ usage, ended }, main);
