/** What a container's image has on its PATH. */
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";

/** Makes a folder with the commands of kube-proxy's image that scripts of a switch between modes use, and no others. */
export function commandFolder(path: string): string {
  mkdirSync(path);
  for (const command of ["cat", "grep"]) {
    const found = execFileSync("sh", ["-c", `command -v ${command}`], { encoding: "utf8" }).trim();
    symlinkSync(found, join(path, command));
  }
  return path;
}
