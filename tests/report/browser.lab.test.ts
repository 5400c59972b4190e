/** The page of a report in a real browser: what it asks for, what it shows, and whether it can be read. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { page as pageOf } from "../../components/report/page.ts";
import type { UpdateReport } from "../../components/report/types.ts";
import { startChromium } from "./chromium.ts";
import { earlier, sample } from "./sample.ts";

interface View {
  readonly width: number;
  readonly colorScheme: "light" | "dark";
}

const views: readonly View[] = [
  { width: 1280, colorScheme: "light" },
  { width: 1280, colorScheme: "dark" },
  { width: 360, colorScheme: "light" },
  { width: 360, colorScheme: "dark" },
];

/** Least contrast of text that WCAG 2 calls sufficient (AA). */
const leastContrast = 4.5;

/** Texts of the page whose contrast is less than that, with what is drawn on what. Runs in the browser. */
const faintTexts = `(() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => parts(colour).slice(0, 3).map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const isClear = (colour) => parts(colour)[3] === 0;
  const groundOf = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const ground = getComputedStyle(each).backgroundColor;
      if (!isClear(ground)) return ground;
    }
    return "rgb(255, 255, 255)";
  };
  const faint = new Set();
  let texts = 0;
  for (const element of document.querySelectorAll("main *")) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "")) continue;
    texts += 1;
    const style = getComputedStyle(element);
    const ink = element instanceof SVGElement ? style.fill : style.color;
    const under = element.previousElementSibling;
    const isOnBar = element.matches("text.middle") && under && under.matches("rect.up");
    const ground = isOnBar ? getComputedStyle(under).fill : groundOf(element);
    const [high, low] = [light(ink), light(ground)].sort((a, b) => b - a);
    if ((high + 0.05) / (low + 0.05) < ${leastContrast}) faint.add(element.tagName + " " + element.className + ": " + ink + " on " + ground);
  }
  return { texts, faint: [...faint] };
})()`;

let browser: Browser;
let folder: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "report-"));
  browser = await startChromium(console.log);
});

after(async () => {
  rmSync(folder, { recursive: true });
  await (browser as Browser | undefined)?.close();
});

/** Opens a report's page, and closes it when all is done; there may be no request but for the file, and nothing told. */
async function withPage(
  report: UpdateReport,
  { width, colorScheme }: View,
  use: (page: Page) => Promise<void>,
): Promise<void> {
  const file = join(folder, "report.html");
  writeFileSync(
    file,
    pageOf(report, earlier(Math.min(50, report.waves.flatMap(({ nodes }) => nodes).length))),
  );
  const url = pathToFileURL(file).href;
  const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
  const requests: string[] = [];
  const told: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => told.push(message.text()));
  page.on("pageerror", (error) => told.push(error.message));
  page.on("dialog", (dialog) => {
    told.push(dialog.message());
    void dialog.dismiss();
  });
  try {
    await page.goto(url, { waitUntil: "networkidle" });
    await use(page);
    assert.deepEqual(requests, [url]);
    assert.deepEqual(told, []);
  } finally {
    await page.close();
  }
}

/** What the page has for programs, by id. */
async function dataOf(page: Page): Promise<Readonly<Record<string, number>>> {
  const all =
    'Object.fromEntries([...document.querySelectorAll("data")].map(({ id, value }) => [id, Number(value)]))';
  return await page.evaluate<Readonly<Record<string, number>>>(all);
}

/** The same from the report's JSON alone, by nothing that the page is made with. */
function expected(json: string): Record<string, number> {
  const { waves, began, ended, written } = JSON.parse(json) as UpdateReport;
  const courses = waves.flatMap(({ nodes }) => nodes);
  const nodes = waves.flatMap(({ proof }) => proof?.nodes ?? []);
  const gaps = (to: "ready" | "synced") =>
    courses.flatMap((each) => {
      const end = each[to];
      return end === null || each.stopped === null ? [] : [end - each.stopped];
    });
  const verdicts = (verdict: string) => nodes.filter((node) => node.verdict === verdict).length;
  return {
    seconds: (new Date(ended ?? written).getTime() - new Date(began).getTime()) / 1000,
    nodes: courses.length,
    replaced: courses.filter(({ ready }) => ready !== null).length,
    "without-longest": Math.max(...gaps("ready")),
    "unsynced-longest": Math.max(...gaps("synced")),
    "without-median": gaps("ready").sort((a, b) => a - b)[gaps("ready").length >> 1] ?? NaN,
    verified: verdicts("verified"),
    failed: verdicts("failed"),
    excluded: verdicts("excluded"),
    ...Object.fromEntries(waves.map((wave, index) => [`wave-${index}-nodes`, wave.nodes.length])),
  };
}

suite("the page of a report, in Chromium", { timeout: 300_000 }, () => {
  for (const nodes of [20, 1000, 5000]) {
    for (const outcome of ["succeeded", "failed"] as const) {
      test(`shows the numbers of its JSON: ${nodes} nodes, ${outcome}`, async () => {
        const report = sample({ nodes, outcome });
        await withPage(report, { width: 1280, colorScheme: "light" }, async (page) => {
          const shown = await dataOf(page);
          for (const [id, value] of Object.entries(expected(JSON.stringify(report)))) {
            assert.ok(Math.abs((shown[id] ?? NaN) - value) < 1e-6, `${id}: ${shown[id]} for ${value}`);
          }
          const rows = 'document.querySelectorAll("#proof tbody tr").length';
          assert.equal(
            await page.evaluate(rows),
            report.waves.flatMap(({ proof }) => proof?.nodes ?? []).length,
          );
        });
      });
    }

    for (const view of views) {
      test(`can be read: ${nodes} nodes, ${view.width} px, ${view.colorScheme}`, async () => {
        await withPage(sample({ nodes, outcome: "failed" }), view, async (page) => {
          assert.equal(await page.evaluate("document.documentElement.scrollWidth"), view.width);
          const { texts, faint } = await page.evaluate<{ texts: number; faint: string[] }>(faintTexts);
          assert.ok(texts > 100, String(texts));
          assert.deepEqual(faint, []);
          const ground = await page.evaluate("getComputedStyle(document.body).backgroundColor");
          assert.equal(ground, view.colorScheme === "dark" ? "rgb(13, 17, 23)" : "rgb(255, 255, 255)");
        });
      });
    }

    test(`is light on paper, and a few sheets of A4: ${nodes} nodes`, async () => {
      await withPage(sample({ nodes }), { width: 1280, colorScheme: "dark" }, async (page) => {
        const pdf = (await page.pdf({ preferCSSPageSize: true, printBackground: true })).toString("latin1");
        const sheets = pdf.match(/\/Type \/Page\b/g)?.length ?? 0;
        assert.ok(sheets >= 2 && sheets <= 6, `${sheets} sheets`);
        // In points: 210 mm by 297 mm.
        assert.match(pdf, /\/MediaBox \[0 0 59[45][.\d]* 84[12][.\d]*\]/);
        await page.emulateMedia({ media: "print", colorScheme: "dark" });
        assert.equal(
          await page.evaluate("getComputedStyle(document.body).backgroundColor"),
          "rgb(255, 255, 255)",
        );
      });
    });
  }

  for (const hostile of [
    `<script>alert(1)</script>`,
    `"><img src=x onerror=alert(1)>`,
    `</style><style>*{display:none}</style>`,
    `x`.repeat(10_000),
  ]) {
    test(`shows as text: ${hostile.slice(0, 40)}`, async () => {
      for (const width of [360, 1280]) {
        const report = sample({ nodes: 20, outcome: "failed", hostile });
        await withPage(report, { width, colorScheme: "light" }, async (page) => {
          assert.equal(await page.locator("#token").innerText(), hostile);
          assert.equal(await page.locator("#token").isVisible(), true);
          assert.equal(await page.evaluate("document.documentElement.scrollWidth"), width);
        });
      }
    });
  }
});
