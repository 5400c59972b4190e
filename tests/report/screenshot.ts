// Takes docs/pictures/report.png: the upper part of the page of a made-up report, in Chromium. `node tests/report/screenshot.ts`,
// after a change of how the page looks.
import { join } from "node:path";
import { page as pageOf } from "../../components/report/page.ts";
import { startChromium } from "./chromium.ts";
import { earlier, sample } from "./sample.ts";

const path = join(import.meta.dirname, "..", "..", "docs", "pictures", "report.png");
const browser = await startChromium(console.log);
try {
  const page = await browser.newPage({ viewport: { width: 1000, height: 1085 }, colorScheme: "light" });
  const nodes = 20;
  await page.setContent(pageOf(sample({ nodes }), earlier(nodes)));
  await page.screenshot({ path });
} finally {
  await browser.close();
}
