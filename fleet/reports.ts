/** Finds the reports that the updates of a fleet's stacks have left on this machine. */
import { resolve } from "node:path";
import { defaultFolder } from "../components/cluster/ownFolder.ts";
import { findReports, type Found } from "../components/cluster/report/files.ts";
import type { LastUpdate } from "./already.ts";

/**
 * The newest report of each stack since its last update began; a stack that has none, or not here, is not there.
 *
 * @param program - folder that a relative `snapshotFolder` goes by
 * @param project - name of the project, the namespace of its config
 */
export function reportsOf(
  program: string,
  project: string,
  updates: ReadonlyMap<string, LastUpdate>,
): Map<string, Found> {
  const folders = new Map<string, Found[]>();
  const foundIn = (folder: string): Found[] => {
    const found = folders.get(folder) ?? findReports(folder);
    folders.set(folder, found);
    return found;
  };
  const reports = [...updates].flatMap(([stack, { config, startTime }]) => {
    const set = config[`${project}:snapshotFolder`]?.value ?? "";
    const folder = set === "" ? defaultFolder(process.env) : resolve(program, set);
    const name = stack.split("/").at(-1) ?? "";
    const report = foundIn(folder).findLast(
      ({ report: { stack: own, began } }) =>
        own?.endsWith(`${project}/${name}`) === true && Date.parse(began) >= startTime.getTime() - roundedMs,
    );
    return report === undefined ? [] : [[stack, report] as const];
  });
  return new Map(reports);
}

/** Pulumi keeps whole seconds. */
const roundedMs = 1000;
