// Runs before `npm start` and `npm test`, on whatever Node.js the machine has: installs the project's packages when
// they are missing or older than the lock file. Among them is the Node.js that everything else runs on. What it is told goes
// to `npm ci`: a plugin does without the packages for development.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const installed = join(root, "node_modules", ".package-lock.json");
const lock = join(root, "package-lock.json");

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
  console.log("Installing the project's packages (npm ci), about half a minute ...");
  // The machine's own Node.js may be older than `engines` asks for; it only installs, so its warnings would mislead.
  const { status, error } = spawnSync("npm", ["ci", "--loglevel=error", ...process.argv.slice(2)], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) {
    console.error(
      `npm ci failed${error ? `: ${error.message}` : ""}. Mend what it reports above, then run this again.`,
    );
    process.exit(1);
  }
}
