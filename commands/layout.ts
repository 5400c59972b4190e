// Run by the component's own `local.Command` before DaemonSets are made.
import * as v from "valibot";
import type { WantedDaemonSet } from "../components/cluster/handover.ts";
import { makeRoom } from "../components/cluster/layout.ts";
import { list, mapping, optional, record, text } from "../components/input/schema.ts";
import { operationOf, print, runCommand } from "./commandLine.ts";
import { connect } from "./connect.ts";
import { readJson } from "./jsonInput.ts";

const usage = `Usage: node commands/layout.ts layout < WANTED

Makes room for DaemonSets of kube-proxy without stopping a pod: others of this program are deleted, and their pods
labelled for the ones that take them over. Changes nothing where none is in the way.

WANTED is JSON: [{"daemonSet": NAME, "pool": POOL, "layout": HASH, "placement": POD SPEC}, ...]`;

const ended =
  "What is said above was done, and stays so; nothing else was: the next run of the same goes on from there.";

const timeoutMs = 5 * 60_000;

const shape = v.pipe(
  list(
    mapping({
      daemonSet: text("a name"),
      pool: optional(text("a name")),
      layout: optional(text("a hash")),
      placement: record(v.unknown(), "the part of a pod's spec that selects nodes"),
    }),
    "a list of DaemonSets",
  ),
  // With none, every kube-proxy would be in the way.
  v.minLength(1, "one DaemonSet or more"),
);

async function main(): Promise<void> {
  operationOf({ layout: undefined });
  const wanted = readJson(shape) as WantedDaemonSet[];
  const lines: string[] = [];
  await makeRoom(await connect(), wanted, {
    timeoutMs,
    log: (line) => {
      lines.push(line);
      print(line);
    },
  });
  if (lines.length === 0) {
    print("No other DaemonSet is in the way: nothing was changed");
  }
}

await runCommand({ usage, ended }, main);
