import { appendFileSync, type Dirent, readdirSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { parseJson } from "../../input/json.ts";
import { asProof, asReport } from "../../report/read.ts";
import type { ProofReport, UpdateReport } from "../../report/types.ts";
import { expandHome } from "../kubeconfig.ts";
import { fileName, folderOf, isFileName, removeOutdated, writeInFolder, writeWhole } from "../ownFolder.ts";

/** How many reports of a cluster are kept. */
export const keptReports = 20;

/** What the names of a report's two files end with. */
const extensions = { json: "report.json", page: "report.html" } as const;

/** Longest report that is read, in bytes: one of 5000 nodes has about 4 MB. */
const longest = 64 * 1024 * 1024;

/** Writes the report of an update, as JSON and as a page. */
export class ReportFiles {
  readonly #folder: string;
  readonly #cluster: string;
  readonly #began: Date;

  /**
   * @param folder - the folder of all clusters, where snapshots are
   * @param cluster - UID of its namespace kube-system
   * @param began - when the update did
   */
  constructor(folder: string, cluster: string, began: Date) {
    this.#folder = folder;
    this.#cluster = cluster;
    this.#began = began;
  }

  /** Path of the page. */
  get page(): string {
    return join(folderOf(this.#folder, this.#cluster), fileName(this.#began, extensions.page));
  }

  /**
   * Writes the report, and its page.
   *
   * @param page - HTML; undefined leaves the page that is there
   * @throws ProblemsError as `writeInFolder`
   */
  write(report: UpdateReport, page: string | undefined): void {
    writeInFolder(this.#folder, this.#cluster, (own) => {
      const json = fileName(this.#began, extensions.json);
      writeWhole(join(own, json), `${JSON.stringify(report)}\n`);
      if (page !== undefined) {
        writeWhole(join(own, fileName(this.#began, extensions.page)), page);
        removeOutdated(own, json, keptReports, extensions.json);
        removeOutdated(own, fileName(this.#began, extensions.page), keptReports, extensions.page);
      }
    });
  }

  /** Path of the newest snapshot; null where there is none. */
  snapshot(): string | null {
    const own = folderOf(this.#folder, this.#cluster);
    const name = namesIn(own, "yaml").at(-1);
    return name === undefined ? null : join(own, name);
  }

  /** Reports of this cluster's updates before, the newest last. */
  earlier(most: number): UpdateReport[] {
    const own = folderOf(this.#folder, this.#cluster);
    const names = namesIn(own, extensions.json).filter(
      (name) => name < fileName(this.#began, extensions.json),
    );
    return names.slice(-most).flatMap((name) => readReport(join(own, name)) ?? []);
  }
}

/** A report in a folder. */
export interface Found {
  /** Path of its page. */
  readonly page: string;
  /** An update whose writer is gone without a word is said to be interrupted, whatever the file says. */
  readonly report: UpdateReport;
  /** Whether the file says so, too. */
  readonly isSettled: boolean;
}

/**
 * The reports of all clusters, the newest last. What is no report, or cannot be read, is left out.
 *
 * @param folder - the folder of all clusters
 * @param only - UID of the cluster whose reports alone are meant; undefined for all
 */
export function findReports(folder: string, only?: string): Found[] {
  const shared = resolve(expandHome(folder));
  return foldersIn(shared)
    .filter((cluster) => only === undefined || cluster === only)
    .flatMap((cluster) =>
      namesIn(join(shared, cluster), extensions.json).flatMap((name) => {
        const path = join(shared, cluster, name);
        const report = readReport(path);
        if (report === undefined) return [];
        const page = path.replace(/json$/, "html");
        return isInterrupted(report)
          ? [{ page, report: { ...report, outcome: "interrupted" as const }, isSettled: false }]
          : [{ page, report, isSettled: true }];
      }),
    )
    .sort((a, b) => Date.parse(a.report.began) - Date.parse(b.report.began));
}

/** Of another machine nobody knows whether it still writes. */
function isInterrupted({ outcome, writer }: UpdateReport): boolean {
  return outcome === "running" && writer.host === hostname() && !isThere(writer.pid);
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return !isZombie(pid);
}

/** Whether it has ended and is not yet waited for: so a CLI that is killed leaves the program. Only Linux tells. */
function isZombie(pid: number): boolean {
  try {
    return /^State:\tZ/m.test(readFileSync(`/proc/${String(pid)}/status`, "utf8"));
  } catch {
    return false;
  }
}

function readReport(path: string): UpdateReport | undefined {
  try {
    const text = readFileSync(path, "utf8");
    return text.length > longest ? undefined : asReport(parseJson(text));
  } catch {
    return undefined;
  }
}

function namesIn(folder: string, extension: string): string[] {
  return entriesOf(folder)
    .filter((entry) => entry.isFile() && isFileName(entry.name, extension))
    .map(({ name }) => name)
    .sort();
}

function foldersIn(folder: string): string[] {
  return entriesOf(folder)
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** Name of the file by which a proof hands over what it has found. */
function proofName(daemonSet: string): string {
  return `${daemonSet}.proof.json`;
}

/** Hands over what a proof has found, to the program that waits for it. */
export function writeProof(folder: string, cluster: string, proof: ProofReport): void {
  writeInFolder(folder, cluster, (own) => {
    writeWhole(join(own, proofName(proof.daemonSet)), JSON.stringify(proof));
  });
}

/** Takes what a proof has handed over; null where it has not. */
export function takeProof(folder: string, cluster: string, daemonSet: string): ProofReport | null {
  try {
    const path = join(folderOf(folder, cluster), proofName(daemonSet));
    const text = readFileSync(path, "utf8");
    rmSync(path, { force: true });
    return asProof(parseJson(text)) ?? null;
  } catch {
    return null;
  }
}

/** Adds Markdown to the summary of a GitHub step, where there is one. */
export function addStepSummary(env: NodeJS.ProcessEnv, markdown: string): void {
  const path = env["GITHUB_STEP_SUMMARY"];
  if (path) appendFileSync(path, markdown);
}
