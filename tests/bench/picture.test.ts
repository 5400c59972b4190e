import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { suite, test } from "node:test";
import type { Timeline } from "../../bench/node/behaviour.ts";
import { draw } from "../../bench/node/picture.ts";
import { element, strokes, text } from "../../components/report/svg.ts";
import { behaviour, switches } from "../../bench/publish.ts";

const timeline: Timeline = {
  title: "restart, `Rolling` & <more>",
  mode: "nftables",
  shown: [-1000, 3000],
  tookMs: 2000,
  nodes: [
    {
      name: "real-1",
      from: "node",
      pods: [
        { created: null, ready: null, gone: 500 },
        { created: 600, ready: 1500, gone: null },
      ],
      closed: [[500, 1400]],
      syncs: [1600],
      lanes: [{ flow: "new tcp", attempts: [2, 2, 0, 2], failed: [0, 1, 0, 2] }],
    },
  ],
};

/** How often something is in a text. */
const count = (picture: string, what: string | RegExp): number => picture.split(what).length - 1;

suite("the picture of a change", () => {
  const picture = draw(timeline);

  test("is the same for the same timeline", () => {
    assert.equal(draw(structuredClone(timeline)), picture);
  });

  test("says in words what it shows", () => {
    assert.match(
      picture,
      /aria-label="Restart, Rolling &#38; &#60;more&#62;\. Mode nftables\. 3 of 6 questions/,
    );
    assert.match(picture, />3 of 6 failed</);
    assert.match(picture, />0\.9 s without</);
  });

  test("has each pod, each time without one, and each sync", () => {
    const [drawn = ""] = picture.split(">failed</text>");
    assert.equal(count(drawn, 'class="old"'), 1);
    assert.equal(count(drawn, 'class="new"'), 1);
    assert.equal(count(drawn, 'fill="url(#hatch)"'), 1);
    assert.equal(count(drawn, 'class="sync"'), 1);
  });

  test("has the helpers of a switch, on lanes of their own", () => {
    const helpers = { pods: [{ created: 100, ready: 300, gone: 700 }], syncs: [400, 450] };
    const switching = draw({ ...timeline, nodes: timeline.nodes.map((node) => ({ ...node, helpers })) });
    assert.equal(count(switching, 'class="helper"') - count(picture, 'class="helper"'), 1);
    assert.equal(count(switching, 'class="sync"') - count(picture, 'class="sync"'), 2);
    assert.match(switching, />helper</);
    assert.doesNotMatch(picture, />helper</);
  });

  test("a failure has a shape of its own, and hides no answer", () => {
    const path = (kind: string) => new RegExp(`class="${kind}" d="([^"]*)"`).exec(picture)?.[1] ?? "";
    assert.equal(count(path("answered"), "M"), 2);
    assert.equal(count(path("failed"), "M"), 4);
    const without = draw({
      ...timeline,
      nodes: timeline.nodes.map((node) => ({
        ...node,
        lanes: [{ flow: "new tcp", attempts: [2], failed: [0] }],
      })),
    });
    assert.equal(count(picture, 'class="failed"') - count(without, 'class="failed"'), 2);
  });

  test("has colours for both themes", () => {
    assert.match(picture, /prefers-color-scheme: dark/);
    assert.equal(count(picture, ".answered { stroke:"), 2);
  });
});

suite("SVG", () => {
  test("escapes what would be markup", () => {
    assert.equal(
      text('<a> & "b"', { class: '"' }),
      '<text class="&#34;">&#60;a&#62; &#38; &#34;b&#34;</text>',
    );
  });
  test("rounds numbers, whatever the machine", () => {
    assert.equal(element("rect", { x: 1 / 3, y: 2 }), '<rect x="0.3" y="2"/>');
    assert.equal(strokes([[0.1 + 0.2, 1, 0, -8]]), "M0.3 1l0 -8");
  });
});

for (const [what, publication] of Object.entries({ behaviour, switches })) {
  test(`the page and the pictures are those of bench/${what}.json`, async () => {
    for (const [path, content] of await publication.pages()) {
      // Their difference would fill screens.
      const isNew = readFileSync(path, "utf8") === content;
      assert.ok(isNew, `${basename(path)} is older: npm run bench -- --plot makes it anew`);
    }
  });
}
