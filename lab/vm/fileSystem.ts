import { runOrFail } from "../tools.ts";

/**
 * Writes a file that holds a file system with what is in a folder, and room for more. What is not used of the file
 * takes no place on the disk.
 *
 * @param path - The file.
 * @param megabytes - The size that a machine sees.
 */
export async function makeFileSystem(
  path: string,
  folder: string,
  megabytes: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  // Nobody mounts it twice: nothing is written into the file itself. And no thread is to go on making it meanwhile.
  const options = ["-O", "^has_journal", "-E", "lazy_itable_init=0"];
  const args = ["-q", "-t", "ext4", ...options, "-d", folder, path, `${megabytes}M`];
  await runOrFail({ file: "mke2fs", args, env: process.env }, { signal });
}
