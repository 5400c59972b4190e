import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

import { type Problem, ProblemsError } from "../../components/input/problems.ts";
import { run } from "../tools.ts";

/** The commands that real nodes need on this machine, by the Debian package that has them. */
const commands = {
  apt: ["apt-get"],
  dpkg: ["dpkg-deb"],
  gcc: ["gcc"],
  iproute2: ["ip"],
  mount: ["mount", "umount"],
  tar: ["tar"],
  "util-linux": ["nsenter", "pivot_root", "unshare"],
} as const;

/** What this machine lacks for real nodes; nothing where it can have them. */
export async function missingForRealNodes(): Promise<Problem[]> {
  if (process.platform !== "linux") {
    return [{ path: "system", value: process.platform, accepted: "Linux: a real node has its kernel" }];
  }
  if (process.getuid?.() !== 0) {
    return [{ path: "user", value: process.getuid?.(), accepted: "root (0): only root makes namespaces" }];
  }
  const missing = Object.entries(commands).flatMap(([debian, names]) =>
    names
      .filter((name) => !isOnPath(name))
      .map((name) => ({ path: name, accepted: `it has to be on PATH; Debian's package ${debian} has it` })),
  );
  if (missing.length > 0) return missing;

  // A container's root may not do what real nodes need; asking for it is the only sure way to know.
  const args = ["--mount", "--net", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/tmp"];
  const { code, stderr } = await run({ file: "unshare", args, env: process.env });
  return code === 0 ? [] : [{ path: "namespaces", accepted: `this machine refuses them: ${stderr.trim()}` }];
}

/** @throws ProblemsError naming everything that this machine lacks for real nodes. */
export async function checkRequirements(): Promise<void> {
  const problems = await missingForRealNodes();
  if (problems.length > 0) throw new ProblemsError("what real nodes need of this machine", problems);
}

/** Whether a command is in one of the folders of `PATH`. */
export function isOnPath(command: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
