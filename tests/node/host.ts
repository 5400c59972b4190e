/** What a lab with real nodes must leave as it was on this machine. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { hierarchies } from "../../lab/real/cgroups.ts";
import { identify, type ProcessIdentity } from "../../lab/process.ts";
import { runOrFail } from "../../lab/tools.ts";

/** Aspects of this machine, each as lines that have to be the same before and after. */
export type Traces = Readonly<Record<string, readonly string[]>>;

/** Settings of the kernel that change by themselves. */
const counters =
  /^(fs\/(aio-nr|dentry-state|file-nr|inode-nr|inode-state|quota\/syncs)|kernel\/(ns_last_pid|random\/.*)|.*_count)$/;

/** Where a node's programs have their files unless they are told otherwise. */
const folders = [
  ...["/", "/etc", "/lib", "/opt", "/run", "/run/lock", "/usr", "/usr/libexec", "/usr/local/bin"],
  ...["/var", "/var/lib", "/var/log"],
];

/**
 * Reads this machine's rules, settings of the kernel, mounts, cgroups, network and folders.
 *
 * @param userland - A folder with `nft`, of which the machine itself may have none.
 */
export async function readTraces(userland: string): Promise<Traces> {
  return {
    rules: await output("chroot", [userland, "nft", "list", "ruleset"]),
    legacyTables: ["ip_tables_names", "ip6_tables_names"].flatMap((file) => read(join("/proc/net", file))),
    settings: settings("/proc/sys"),
    mounts: read("/proc/self/mountinfo"),
    cgroups: cgroups(),
    // The time that a DHCP server has given goes by.
    addresses: (await output("ip", ["address"])).map((line) => line.replace(/valid_lft .*/, "")),
    routes: await output("ip", ["route", "show", "table", "all"]),
    folders: folders.filter((path) => existsSync(path)).flatMap(entries),
  };
}

/** The lines that came and went between two readings. */
export function changes(before: Traces, after: Traces): string[] {
  return Object.keys(before).flatMap((aspect) => {
    const [old, now] = [before[aspect] ?? [], after[aspect] ?? []];
    return [
      ...old.filter((line) => !now.includes(line)).map((line) => `${aspect}: - ${line}`),
      ...now.filter((line) => !old.includes(line)).map((line) => `${aspect}: + ${line}`),
    ];
  });
}

/** The processes under some others, also those of which the parent in between has ended. */
export function processesUnder(ancestors: readonly number[]): ProcessIdentity[] {
  const parents = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), parentOf(Number(name))] as const);
  const found = new Set(ancestors);
  for (let size = 0; size !== found.size;) {
    size = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found].map(identify).filter((identity) => identity !== undefined);
}

function parentOf(pid: number): number {
  const [status = ""] = read(`/proc/${pid}/stat`);
  return Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[1] ?? 0);
}

async function output(file: string, args: string[]): Promise<string[]> {
  return (await runOrFail({ file, args, env: process.env })).trimEnd().split("\n");
}

/** The lines of a file; none where it cannot be read, as some settings, or is not there any more. */
function read(path: string): string[] {
  try {
    return readFileSync(path, "utf8").trimEnd().split("\n");
  } catch {
    return [];
  }
}

function entries(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
}

function settings(root: string): string[] {
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
  return files
    .filter((file) => !counters.test(file))
    .map((file) => `${file} = ${read(join(root, file)).join(" ")}`);
}

/** The uppermost cgroups of every hierarchy, but those of labs, which come and go. */
function cgroups(): string[] {
  const all = hierarchies().flatMap(entries);
  return all.filter((path) => !basename(path).startsWith("kube-proxy-lab-"));
}
