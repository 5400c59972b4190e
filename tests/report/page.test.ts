import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type DefaultTreeAdapterTypes, parse } from "parse5";
import { page } from "../../components/report/page.ts";
import type { UpdateReport } from "../../components/report/types.ts";
import { earlier, sample } from "./sample.ts";

type Element = DefaultTreeAdapterTypes.Element;

/** All elements of a page, as a browser reads them. */
function elementsOf(html: string): Element[] {
  const within = (node: DefaultTreeAdapterTypes.Node): Element[] => [
    ...("tagName" in node ? [node] : []),
    ...("childNodes" in node ? node.childNodes.flatMap(within) : []),
  ];
  return within(parse(html));
}

/** A page's text, of one element where that is given. */
function textOf(node: DefaultTreeAdapterTypes.Node): string {
  if (node.nodeName === "#text") return (node as DefaultTreeAdapterTypes.TextNode).value;
  return "childNodes" in node ? node.childNodes.map(textOf).join("") : "";
}

/** What elements there are with which attributes, but for their values. */
const shapeOf = (html: string) =>
  new Set(
    elementsOf(html).flatMap(({ tagName, attrs }) => [
      tagName,
      ...attrs.map(({ name }) => `${tagName} ${name}`),
    ]),
  );

const hostile = [
  `<script>alert(1)</script>`,
  `"><img src=x onerror=alert(1)>`,
  `' onmouseover='alert(1)`,
  `</style></title></svg><style>*{display:none}</style><!--`,
  `&lt;b&gt; <a href="javascript:alert(1)">x</a> url(https://example.org/x)`,
  "\u202egpj.exe\u2066\u0000\u001b[31m",
  "x".repeat(10_000),
];

suite("the page of a report", () => {
  for (const outcome of ["succeeded", "failed", "interrupted", "running"] as const) {
    test(`of one that is ${outcome} has no element, attribute or reference out of what others wrote`, () => {
      const usual = shapeOf(page(sample({ nodes: 20, outcome }), earlier(20)));
      for (const text of hostile) {
        const html = page(sample({ nodes: 20, outcome, hostile: text }), [
          ...earlier(20),
          { ...sample({ nodes: 20, hostile: text }), began: "2026-01-01T00:00:00Z" },
        ]);
        // Of a hostile name there is a part of its own for waves with other changes: nothing that a usual page lacks.
        assert.deepEqual(
          [...shapeOf(html)].filter((each) => !usual.has(each) && each !== "h3"),
          [],
          text.slice(0, 60),
        );
        const elements = elementsOf(html);
        assert.equal(elements.filter(({ tagName }) => tagName === "style").length, 1);
        assert.equal(
          elements.some(({ attrs }) => attrs.some(({ name }) => /^(on|style$|href|src)/.test(name))),
          false,
        );
        assert.doesNotMatch(html, /[\u202a-\u202e\u2066-\u2069\0\u001b]/);
      }
    });
  }

  test("shows hostile text as text", () => {
    const token = hostile[0] ?? "";
    const elements = elementsOf(page(sample({ nodes: 3, hostile: token }), []));
    const shown = elements.find(({ attrs }) =>
      attrs.some(({ name, value }) => name === "id" && value === "token"),
    );
    assert.equal(shown && textOf(shown), token);
  });

  test("refers to nowhere and lets nothing be loaded or run", () => {
    const html = page(sample({ nodes: 1000 }), earlier(1000));
    const elements = elementsOf(html);
    const names = new Set(elements.map(({ tagName }) => tagName));
    for (const name of ["script", "link", "img", "iframe", "object", "a", "form", "image", "use"]) {
      assert.equal(names.has(name), false, name);
    }
    const urls = elements.flatMap(({ attrs }) =>
      attrs.filter(({ value }) => value.includes("url(")).map(({ value }) => value),
    );
    assert.deepEqual([...new Set(urls)], ["url(#hatch)"]);
    const [style = ""] = elements.filter(({ tagName }) => tagName === "style").map(textOf);
    assert.doesNotMatch(style, /url\(|@import|@font-face/);
    assert.match(html, /content="default-src 'none'; style-src 'unsafe-inline'"/);
  });

  test("has ids once each, a caption and scopes in each table, a label at each picture", () => {
    const elements = elementsOf(page(sample({ nodes: 100, outcome: "failed" }), earlier(100)));
    const ids = elements.flatMap(({ attrs }) =>
      attrs.filter(({ name }) => name === "id").map(({ value }) => value),
    );
    assert.deepEqual(
      ids.filter((id, index) => ids.indexOf(id) !== index),
      [],
    );
    const has = ({ attrs }: Element, name: string) => attrs.some((attribute) => attribute.name === name);
    for (const element of elements) {
      if (element.tagName === "th") assert.ok(has(element, "scope"));
      if (element.tagName === "svg") assert.ok(has(element, "aria-label") || has(element, "aria-hidden"));
      if (element.tagName === "table") {
        assert.ok(element.childNodes.some(({ nodeName }) => nodeName === "caption"));
      }
    }
  });

  test("is the same for the same report", () => {
    assert.equal(page(sample({ nodes: 80 }), earlier(80)), page(sample({ nodes: 80 }), earlier(80)));
  });

  test("says what the next update does where one has not ended, failed nodes first", () => {
    const html = page(sample({ nodes: 20, outcome: "failed" }), []);
    assert.match(html, /What the next <code>pulumi up<\/code> does/);
    assert.match(html, /Goes on with the wave that has not ended\./);
    assert.ok(html.indexOf("✘ Failed:") < html.indexOf("✔ Verified:"));
    assert.match(html, /ImagePullBackOff/);
    assert.doesNotMatch(page(sample({ nodes: 20 }), []), /What the next/);
  });

  test("compares with the last five that began before it, in whatever order they come", () => {
    const six = [
      { ...sample({ nodes: 20 }), began: "2020-01-01T00:00:00Z", token: "too old" },
      ...earlier(20),
    ];
    const later = { ...sample({ nodes: 20 }), began: "2030-01-01T00:00:00Z", token: "later" };
    const html = page(sample({ nodes: 20 }), [later, ...six].reverse());
    assert.match(html, /Compared with the last 5/);
    assert.doesNotMatch(html, /too old|later</);
  });

  test("stands where there is next to nothing to tell", () => {
    const report: UpdateReport = {
      ...sample({ nodes: 1 }),
      waves: [],
      told: [],
      skipped: [],
      occasions: [],
      stack: null,
      snapshot: null,
    };
    const html = page(report, []);
    for (const id of ["waves", "changes", "proof", "skipped", "told", "comparison"]) {
      assert.doesNotMatch(html, new RegExp(`<section id="${id}"`));
    }
    const unseen = sample({ nodes: 70 });
    const silent = unseen.waves.map((wave) => ({
      ...wave,
      before: null,
      proof: null,
      nodes: wave.nodes.map((node) => ({
        ...node,
        oldPod: null,
        deleted: null,
        stopped: null,
        created: null,
        ready: null,
        synced: null,
      })),
    }));
    assert.doesNotMatch(page({ ...unseen, waves: silent }, []), /NaN|Infinity|undefined/);
  });

  test("is small and soon made, of 5,000 nodes, too", () => {
    const [report, before] = [sample({ nodes: 5000 }), earlier(5000)];
    const start = performance.now();
    const html = page(report, before);
    assert.ok(performance.now() - start < 2000, "2 seconds");
    assert.ok(html.length < 3_000_000, String(html.length));
  });
});
