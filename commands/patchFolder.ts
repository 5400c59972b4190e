import { readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";

/** A directory of patches has a handful; a file that names the root has this program not walk over all of it. */
const mostEntries = 10_000;

/** The files that kubeadm would find, in its order: those below folders, too, but no empty ones. A text says why there are none. */
export function filesBelow(directory: string): string[] | string {
  const files: string[] = [];
  let seen = 0;
  const walk = (folder: string): void => {
    const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const path = join(folder, entry.name);
      seen++;
      if (seen > mostEntries) {
        throw new Error(`more than ${mostEntries} entries`);
      }
      if (entry.isDirectory()) {
        walk(path);
      } else if (statSync(path).size > 0) {
        files.push(relative(directory, path));
      }
    }
  };
  try {
    walk(directory);
    return files;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : (error as Error).message;
  }
}
