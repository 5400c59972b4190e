import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { MakeOptions } from "../cache.ts";
import { run, runOrFail } from "../tools.ts";

/** Debian packages by name, each in one version. */
export type Packages = Readonly<Record<string, string>>;

/** What runc is built with, and has in itself afterwards. */
export const libraries: Packages = { "libseccomp-dev": "2.5.4-1+deb12u1" };

/**
 * What a node and kube-proxy's image hold beside the Kubernetes binaries, from Debian 12: a shell with `mount`, and the
 * tools by which kube-proxy programs the kernel, with the libraries that these need.
 */
export const userland: Packages = {
  "busybox-static": "1:1.35.0-4+deb12u1+b1",
  conntrack: "1:1.4.7-1+b2",
  iptables: "1.8.9-2",
  libbsd0: "0.11.7-2",
  libc6: "2.36-9+deb12u14",
  libedit2: "3.1-20221030-2",
  libgmp10: "2:6.2.1+dfsg1-1.1",
  libip4tc2: "1.8.9-2",
  libip6tc2: "1.8.9-2",
  libjansson4: "2.14-2",
  libmd0: "1.0.4-2",
  libmnl0: "1.0.4-3",
  "libnetfilter-conntrack3": "1.0.9-3",
  libnfnetlink0: "1.0.2-2",
  libnftables1: "1.0.6-2+deb12u2",
  libnftnl11: "1.2.4-2",
  libtinfo6: "6.4-4",
  libxtables12: "1.8.9-2",
  // Without /etc/protocols nft prints "6" for "tcp", and kube-proxy takes its own rules for somebody else's.
  netbase: "6.4",
  nftables: "1.0.6-2+deb12u2",
};

/** Debian's alternatives: commands that are links to one program or another. */
const alternatives = ["iptables", "ip6tables"].flatMap((tool) =>
  ["", "-save", "-restore"].map((suffix) => tool + suffix),
);

/** Makes a folder with all that is in {@link userland}. */
export async function makeUserland(folder: string, options: MakeOptions): Promise<void> {
  await unpack(folder, userland, options);
  chooseIptables(folder, "xtables-nft-multi");
  const install = [folder, "/bin/busybox", "--install", "-s", "/bin"];
  await runOrFail({ file: "chroot", args: install, env: process.env }, { signal: options.signal });
}

/** Chooses which `iptables` is the one: that which works through nf_tables, or the older one with a lock of its own. */
export function chooseIptables(folder: string, program: "xtables-nft-multi" | "xtables-legacy-multi"): void {
  for (const name of alternatives) symlinkSync(program, join(folder, "usr/sbin", name));
}

/**
 * Unpacks packages into a folder, a new one or over what is there. Nothing is installed on this machine, and apt's own
 * lists stay as they are.
 *
 * @param suite - What has them, where apt's sources do not: asked for where these have the security updates.
 * @throws Error when apt's sources, or that suite, do not have one of them in that version.
 */
export async function unpack(
  folder: string,
  packages: Packages,
  { log, signal }: MakeOptions,
  suite?: string,
): Promise<void> {
  log(`Unpacking Debian packages: ${Object.keys(packages).join(", ")}.`);
  const work = mkdtempSync(join(tmpdir(), "lab-packages-"));
  try {
    for (const part of ["lists/partial", "cache/archives/partial", "archives"]) {
      mkdirSync(join(work, part), { recursive: true });
    }
    const sources = suite === undefined ? [] : await sourcesOf(work, suite, signal);
    const archives = await download(work, packages, sources, signal);
    mkdirSync(folder, { recursive: true });
    for (const archive of archives) {
      const args = ["--extract", archive, folder];
      await runOrFail({ file: "dpkg-deb", args, env: process.env }, { signal });
    }
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** Options by which apt knows one suite alone, at the mirror that this machine's sources name for security updates. */
async function sourcesOf(work: string, suite: string, signal: AbortSignal | undefined): Promise<string[]> {
  const args = ["indextargets", "--format", "$(SITE)", "Created-By: Packages"];
  const sites = await runOrFail({ file: "apt-get", args, env: process.env }, { signal });
  const site = sites.split("\n").find((line) => line.endsWith("-security"));
  if (site === undefined) {
    throw new Error(`apt's sources name no mirror of Debian's security updates, which would have ${suite}`);
  }
  const list = join(work, "sources.list");
  writeFileSync(list, `deb ${site} ${suite} main\n`);
  return ["-o", `Dir::Etc::sourcelist=${list}`, "-o", "Dir::Etc::sourceparts=/dev/null"];
}

async function download(
  work: string,
  packages: Packages,
  sources: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const apt = (...args: string[]) => ({
    file: "apt-get",
    args: [
      ...["-o", `Dir::State::Lists=${join(work, "lists")}`, "-o", `Dir::Cache=${join(work, "cache")}`],
      ...sources,
      // Otherwise apt reads and writes as a user who may not enter this folder.
      ...["-o", "APT::Sandbox::User=root", ...args],
    ],
    env: process.env,
    cwd: join(work, "archives"),
  });
  // One of the user's sources may fail and yet another one have all that is needed.
  const updated = await run(apt("update"), { signal });
  const wanted = Object.entries(packages).map(([name, version]) => `${name}=${version}`);
  const downloaded = await run(apt("download", ...wanted), { signal });
  if (downloaded.code !== 0) {
    throw new Error(
      "apt could not download the packages that lab/real and lab/vm name, which are Debian 12's; where apt's sources " +
        `have others, change the versions there:\n${updated.stderr}${downloaded.stderr}`,
    );
  }
  const folder = join(work, "archives");
  return readdirSync(folder).map((file) => join(folder, file));
}
