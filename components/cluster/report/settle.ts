import { nextSteps } from "../../report/next.ts";
import { mostEarlier, page } from "../../report/page.ts";
import { findReports, ReportFiles } from "./files.ts";

/**
 * Writes of each report whose writer is gone without a word that its update was interrupted, and what the next one does,
 * also into its page. What cannot be written stays as it is: whoever lists reports says so all the same.
 *
 * @param folder - the folder of all clusters
 * @param cluster - only that cluster's reports; undefined for all
 */
export function settleReports(folder: string, cluster?: string): void {
  for (const { report, isSettled } of findReports(folder, cluster)) {
    if (isSettled) continue;
    const { outcome, waves, skipped } = report;
    const settled = { ...report, next: nextSteps(outcome, waves, skipped) };
    try {
      const files = new ReportFiles(folder, report.cluster.id, new Date(report.began));
      files.write(settled, page(settled, files.earlier(mostEarlier)));
    } catch {
      // Nobody waits for it.
    }
  }
}
