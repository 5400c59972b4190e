/** A virtual environment with Pulumi's SDK for Python, from PyPI; kept in the cache of the lab. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { cached, hashOf } from "../../lab/cache.ts";

const run = promisify(execFile);

/** As the SDK for Node.js that the plugin has. */
const packages = ["pulumi==3.270.0"];

/** Its folder, made where it is not there yet. */
export async function virtualenv(log: (line: string) => void): Promise<string> {
  const what = "a virtual environment with Pulumi's SDK for Python";
  return await cached({ what, name: "python-venv", hash: hashOf(packages) }, { log }, async (unfinished) => {
    log("Installing Pulumi's SDK for Python, a quarter of a minute ...");
    await run("python3", ["-m", "venv", unfinished]);
    const quiet = ["--quiet", "--disable-pip-version-check"];
    await run(join(unfinished, "bin", "python"), ["-m", "pip", "install", ...quiet, ...packages]);
  });
}
