import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { defaultFolder } from "../components/cluster/ownFolder.ts";
import { findReports, type Found } from "../components/cluster/report/files.ts";
import { printableJson } from "../components/input/printable.ts";
import { ProblemsError } from "../components/input/problems.ts";
import { formatReports } from "../components/report/summary.ts";
import { print, runCommand, UsageError } from "./commandLine.ts";

const usage = `Usage: npm run --silent report -- [--folder F] [--cluster UID] [--last] [--open | --json]

Lists the reports of updates that touched kube-proxy's pods, the newest first, each with the path of its page. They are on
this machine: no cluster is asked.

  --folder F     where snapshots are kept, in a folder for each cluster; as the stack's snapshotFolder;
                 \${XDG_STATE_HOME:-~/.local/state}/kube-proxy-as-code/snapshots unless given
  --cluster UID  only those of the cluster whose namespace kube-system has this UID
  --last         only the newest one
  --open         opens the newest one in the browser
  --json         as JSON, see docs/report.md: a list, or with --last one report
  --help         this text`;

/** What opens a file with the program that the user has chosen for it, by platform. */
const openers: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""],
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      folder: { type: "string", default: defaultFolder(process.env) },
      cluster: { type: "string" },
      last: { type: "boolean", default: false },
      open: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { folder, cluster, last, json } = values;
  if (values.help) {
    print(usage);
    return;
  }
  if (folder === "") throw new UsageError('--folder: "" is not accepted; accepted: a path');
  if (values.open && json) throw new UsageError("--open and --json: only one of them is accepted");
  const found = (await settled(folder, cluster)).reverse();
  const [newest] = found;
  if (newest === undefined && (last || values.open)) {
    const accepted =
      "a folder with reports, or --cluster with the UID of a cluster that has some there; with `report: true` in the " +
      "stack's config every update that touches pods leaves one";
    throw new ProblemsError("the reports", [{ path: "folder", value: folder, accepted }]);
  }
  const chosen = last ? found.slice(0, 1) : found;
  if (values.open && newest !== undefined) open(newest);
  else if (json) {
    const reports = chosen.map(({ report }) => report);
    print(printableJson(last ? reports[0] : reports, 2));
  } else if (chosen.length === 0) print(`There are no reports in ${folder}.`);
  else print(formatReports(chosen));
}

/** The reports, the newest last; of those that were interrupted the pages say so from now on. */
async function settled(folder: string, cluster: string | undefined): Promise<Found[]> {
  const found = findReports(folder, cluster);
  if (found.every(({ isSettled }) => isSettled)) return found;
  // Draws pages, which takes long to load.
  const { settleReports } = await import("../components/cluster/report/settle.ts");
  settleReports(folder, cluster);
  return findReports(folder, cluster);
}

function open({ page }: Found): void {
  const [command, ...args] = openers[process.platform] ?? ["xdg-open"];
  const opener = spawn(command, [...args, page], { stdio: "ignore", detached: true });
  opener.on("error", () => {
    print(`There is no ${command} here that would open it: ${page}`);
  });
  opener.unref();
  print(page);
}

await runCommand({ usage }, main);
