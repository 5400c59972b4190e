/** The page of a report in a real browser: nothing is asked for, nothing fails, it fits, it can be read, it prints. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { pathToFileURL } from "node:url";
import { type Browser, launch, type Page } from "puppeteer-core";
import { figuresOf } from "../../components/report/figures.ts";
import { page as pageOf } from "../../components/report/page.ts";
import type { UpdateReport } from "../../components/report/types.ts";
import { chromium } from "./chromium.ts";
import { sampleOf } from "./sample.ts";

/** Least contrast of text with what is behind it. Source: WCAG 2.2, success criterion 1.4.3. */
const leastContrast = 4.5;

/** Open pages, each with what it asked for and what went wrong in it. */
interface Opened {
  readonly page: Page;
  readonly requests: string[];
  readonly faults: string[];
}

suite("the page of a report in Chromium", () => {
  const folder = mkdtempSync(join(tmpdir(), "kube-proxy-page-"));
  let browser: Browser;
  before(async () => {
    const executablePath = await chromium(console.log);
    // Chromium has no sandbox for root.
    browser = await launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
    console.log(`browser: ${await browser.version()}`);
  });
  after(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  async function open(report: UpdateReport, earlier: readonly UpdateReport[] = []): Promise<Opened> {
    const path = join(folder, `${report.waves.length}-${Math.random()}.html`);
    writeFileSync(path, pageOf(report, earlier));
    const page = await browser.newPage();
    const requests: string[] = [];
    const faults: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    page.on("console", (message) => faults.push(message.text()));
    page.on("pageerror", (error) => faults.push(String(error)));
    await page.goto(pathToFileURL(path).href, { waitUntil: "load" });
    assert.deepEqual(requests, [pathToFileURL(path).href], "it asks for nothing but itself");
    return { page, requests, faults };
  }

  const earlier = [1, 2, 3, 4, 5].map((day) =>
    sampleOf({ nodes: 15 + day, began: Date.parse("2026-11-20T10:00:00Z") + day * 86_400_000 }),
  );

  /** By how much the page is wider than what it is shown in, in pixels. */
  const overflow = (page: Page): Promise<number> =>
    page.evaluate(
      "document.documentElement.scrollWidth - document.documentElement.clientWidth",
    ) as Promise<number>;

  for (const nodes of [20, 1000, 5000]) {
    test(`${nodes} nodes: the numbers are the report's, and it fits a phone and a desk`, async (t) => {
      const report = sampleOf({ nodes });
      const began = performance.now();
      const { page, faults } = await open(report, earlier);
      t.diagnostic(`loaded after ${Math.round(performance.now() - began)} ms`);
      const shown = (await page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('data')].map(({ id, value }) => [id, Number(value)]))",
      )) as Record<string, number>;
      const { seconds, gaps, stale, verified, failed } = figuresOf(report);
      assert.deepEqual(
        [shown["seconds"], shown["nodes"], shown["verified"], shown["failed"]],
        [seconds, nodes, verified, failed],
      );
      assert.deepEqual([shown["longest-gap"], shown["longest-stale"]], [gaps?.longest, stale?.longest]);
      for (const width of [360, 1280]) {
        await page.setViewport({ width, height: 800 });
        assert.equal(await overflow(page), 0, `${width} pixels wide`);
      }
      const charts = (await page.evaluate(
        "[...document.querySelectorAll('.wide > svg')].map((svg) => svg.getBoundingClientRect().height)",
      )) as number[];
      assert.ok(charts.length === 2 && charts.every((height) => height > 30), charts.join());
      assert.deepEqual(faults, []);
      await page.close();
    });
  }

  test("hostile names and tokens show as text, and run nothing", async () => {
    const token = `<script>document.title='taken'</script>"><img src=x onerror="document.title='taken'">`;
    const report = sampleOf({
      nodes: 30,
      token,
      nameOf: (index) => `<b>${index}</b>${"x".repeat(index * 40)}`,
    });
    const { page, faults, requests } = await open(report);
    assert.ok(!(await page.title()).startsWith("taken"));
    const text = (await page.evaluate("document.body.innerText")) as string;
    assert.ok(text.includes(token));
    assert.ok(text.includes("<b>7</b>"));
    assert.equal(await page.evaluate("document.querySelectorAll('b, img, script').length"), 0);
    await page.setViewport({ width: 360, height: 800 });
    assert.equal(await overflow(page), 0);
    assert.deepEqual([faults, requests.length], [[], 1]);
    await page.close();
  });

  for (const scheme of ["light", "dark"] as const) {
    test(`all text can be read in ${scheme} colours`, async () => {
      const { page } = await open(sampleOf({ nodes: 100, outcome: "failed" }), earlier);
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      const poor = (await page.evaluate(poorTexts)) as string[];
      assert.deepEqual([...new Set(poor)], []);
      await page.close();
    });
  }

  test("it prints on A4, light, with every verified node", async () => {
    const { page } = await open(sampleOf({ nodes: 20 }), earlier);
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
    await page.emulateMediaType("print");
    const background = await page.evaluate("getComputedStyle(document.body).backgroundColor");
    assert.equal(background, "rgb(255, 255, 255)", "no dark paper");
    const pdf = Buffer.from(await page.pdf({ preferCSSPageSize: true })).toString("latin1");
    const [, width = "0", height = "0"] = /\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/.exec(pdf) ?? [];
    assert.deepEqual([Math.round(Number(width)), Math.round(Number(height))], [595, 842], "A4 in points");
    const pages = [...pdf.matchAll(/\/Type \/Page\b(?!s)/g)].length;
    assert.ok(pages >= 2 && pages <= 5, `${pages} pages`);
    await page.close();
  });

  /** Runs in the page: texts whose contrast with the nearest background is too little, each with its colours. */
  const poorTexts = `(() => {
    const channels = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
    const luminance = ([red, green, blue]) => {
      const linear = [red, green, blue].map((value) => {
        const share = value / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const behind = (element) => {
      for (let one = element; one !== null; one = one.parentElement) {
        const [red, green, blue, alpha = 1] = channels(getComputedStyle(one).backgroundColor);
        if (alpha > 0) return [red, green, blue];
      }
      return [255, 255, 255];
    };
    return [...document.querySelectorAll("body *")].flatMap((element) => {
      const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "");
      if (!own) return [];
      const style = getComputedStyle(element);
      const colour = element instanceof SVGElement ? style.fill : style.color;
      const [light, dark] = [luminance(channels(colour)), luminance(behind(element))].sort((a, b) => b - a);
      const contrast = (light + 0.05) / (dark + 0.05);
      return contrast < ${leastContrast} ? [element.textContent.trim().slice(0, 40) + ": " + contrast.toFixed(1)] : [];
    });
  })()`;
});
