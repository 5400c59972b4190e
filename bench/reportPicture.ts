/** The picture on docs/report.md: a wave of a report that was made up, drawn as the page draws it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pictureOf } from "../components/report/chart.ts";
import { sampleOf } from "../tests/report/sample.ts";

/** Its path. */
export const reportPicturePath = join(import.meta.dirname, "..", "docs", "pictures", "report.svg");

/** What is in it. */
export function reportPicture(): string {
  const wave = sampleOf({ nodes: 1000 }).waves.at(-1);
  if (wave === undefined) throw new Error("the sample has no wave");
  return pictureOf(wave, [wave.began ?? 0, wave.ended ?? 0]);
}

/** Draws it anew. */
export function publishReportPicture(): void {
  writeFileSync(reportPicturePath, reportPicture());
}
