/** The page of a report: whatever names and tokens are in it stays text, nothing is asked of anybody, the numbers are right. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parse } from "parse5";
import { changedLines } from "../../components/report/changes.ts";
import { momentsOf, histogramOf } from "../../components/report/density.ts";
import { distributionOf, figuresOf, gapOf, slowest, staleOf } from "../../components/report/figures.ts";
import { page } from "../../components/report/page.ts";
import type { NodeCourse, UpdateReport } from "../../components/report/types.ts";
import { sampleOf } from "./sample.ts";

/** A node of a parsed page, as far as the tests look. */
interface Parsed {
  readonly nodeName: string;
  readonly value?: string;
  readonly attrs?: readonly { readonly name: string; readonly value: string }[];
  readonly childNodes?: readonly Parsed[];
}

function* within(node: Parsed): Generator<Parsed> {
  yield node;
  for (const child of node.childNodes ?? []) yield* within(child);
}

const elementsOf = (text: string) => [...within(parse(text))];
const textOf = (text: string) =>
  elementsOf(text)
    .flatMap(({ value }) => value ?? [])
    .join(" ");

/** Elements and their attributes by name: what a page is made of, whatever texts are in it. */
function skeleton(text: string): string[] {
  const all = elementsOf(text).map(({ nodeName, attrs = [] }) =>
    [nodeName, ...attrs.map(({ name }) => name)].join(" "),
  );
  return [...new Set(all)].sort();
}

const hostile = [
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "</style><link rel=stylesheet href=//evil.example>",
  "node' style='display:none",
  "\u202egnp.exe\u202d\u0007\u001b[31m",
  "&lt;b&gt;&#60;i&#62;",
  "javascript:alert(1)",
];
const hostileName = (index: number) => `${hostile[index % hostile.length] ?? ""} ${index}`;

/** A report in which every text is hostile. */
function hostileReport(nodes: number): UpdateReport {
  const text = hostile.join(" ") + "x".repeat(10_000);
  const report = sampleOf({ nodes, token: text, nameOf: hostileName });
  const [first, ...others] = report.waves;
  assert.ok(first?.proof);
  const proofNodes = first.proof.nodes.map((node) => ({
    ...{ ...node, pod: text, mode: text, reasons: [text], verdict: "failed" as const },
    service: { verdict: "fails" as const, reason: text },
  }));
  const pods = { image: text, mode: text, token: text, configuration: text.replaceAll(" ", "\n") };
  return {
    ...report,
    ...{ by: text, strategy: text, stack: text, snapshot: text, next: [text], unrecorded: [text] },
    cluster: { id: text, server: text, context: text },
    told: [{ level: "warn", text }],
    skipped: [{ what: text, why: text }],
    waves: [
      {
        ...first,
        ...{ daemonSet: text, pool: text, changes: [text], failure: text },
        before: { ...pods, configuration: "mode: iptables" },
        after: pods,
        proof: { ...first.proof, nodes: proofNodes },
      },
      ...others,
    ],
  };
}

suite("the page of a report", () => {
  test("is made of the same elements whatever its texts are, and these are there as text", () => {
    const report = hostileReport(40);
    const written = page(report, [report]);
    const usual = page({ ...sampleOf({ nodes: 40 }), unrecorded: ["x"] }, [sampleOf({ nodes: 40 })]);
    const beyond = skeleton(written).filter((one) => !skeleton(usual).includes(one));
    // A failed node, and a token of a DaemonSet that fails, have elements that the usual one has not.
    assert.deepEqual(beyond, []);
    const text = textOf(written);
    for (const one of hostile.filter((each) => !/\u202e/.test(each))) assert.ok(text.includes(one), one);
    assert.ok(!/[\u202a-\u202e\u0007\u001b]/.test(written), "what turns the reading direction is gone");
  });

  test("asks nothing of anybody: no script, no reference, no style from elsewhere", () => {
    for (const text of [
      page(hostileReport(40), []),
      page(sampleOf({ nodes: 1000 }), [sampleOf({ nodes: 5 })]),
    ]) {
      for (const { nodeName, attrs = [] } of elementsOf(text)) {
        assert.ok(
          !["script", "link", "img", "iframe", "object", "base", "a", "form"].includes(nodeName),
          nodeName,
        );
        for (const { name, value } of attrs) {
          assert.ok(!/^(src|href|xlink:href|on.*|action|srcset)$/.test(name), `${nodeName} ${name}`);
          if (name === "style" || name === "fill") assert.ok(!/url\((?!#hatch)/.test(value), value);
        }
      }
      const styles = elementsOf(text).filter(({ nodeName }) => nodeName === "style");
      assert.equal(styles.length, 1);
      assert.ok(
        !/@import|url\((?!#hatch)/.test(
          styles.map((style) => textOf(style.childNodes?.[0]?.value ?? "")).join(),
        ),
      );
      assert.match(text, /Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/);
    }
  });

  test("its numbers are those of the report, at 20, 1000 and 5000 nodes", () => {
    for (const nodes of [20, 1000, 5000]) {
      const report = sampleOf({ nodes });
      const text = page(report, []);
      const shown = new Map(
        elementsOf(text)
          .filter(({ nodeName }) => nodeName === "data")
          .map(({ attrs = [] }) => {
            const of = (key: string) => attrs.find(({ name }) => name === key)?.value ?? "";
            return [of("id"), Number(of("value"))] as const;
          }),
      );
      const { seconds, gaps, stale, verified, excluded } = figuresOf(report);
      assert.equal(shown.get("seconds"), seconds);
      assert.equal(shown.get("nodes"), nodes);
      assert.equal(shown.get("verified"), verified);
      assert.equal(shown.get("excluded"), excluded);
      assert.equal(verified + excluded, nodes);
      assert.equal(shown.get("longest-gap"), gaps?.longest);
      assert.equal(shown.get("median-stale"), stale?.median);
      const rows = elementsOf(text).filter(({ nodeName, attrs = [] }) => {
        return nodeName === "th" && attrs.some(({ name, value }) => name === "scope" && value === "row");
      });
      assert.ok(rows.length >= nodes, "every node is in a table of the proof");
      assert.ok(text.length < 3_000_000, `${text.length} letters`);
    }
  });

  test("says how it ended by a word and a sign, not by a colour alone", () => {
    for (const [outcome, sign] of Object.entries({
      succeeded: "✓",
      failed: "✗",
      interrupted: "!",
      running: "…",
    })) {
      const text = textOf(page(sampleOf({ nodes: 4, outcome: outcome as UpdateReport["outcome"] }), []));
      assert.ok(text.includes(`${sign} Mode switch and restart ${outcome}`), outcome);
    }
  });

  test("one that failed says where it stands, why, and what comes next", () => {
    const text = textOf(page(sampleOf({ nodes: 40, outcome: "failed" }), []));
    assert.match(text, /what the next pulumi up does/);
    assert.match(text, /It goes on with DaemonSet kube-proxy-rest/);
    assert.match(text, /Without a ready new pod: node-\d+ \(ImagePullBackOff\)/);
  });

  test("what is the same for several waves is said once; a secret configuration not at all", () => {
    const report = sampleOf({ nodes: 10 });
    assert.match(textOf(page(report, [])), /kube-proxy-canary, kube-proxy-rest/);
    const [wave] = report.waves;
    assert.ok(wave?.before);
    const secret = {
      ...wave,
      before: { ...wave.before, configuration: null },
      after: { ...wave.after, configuration: null },
    };
    assert.doesNotMatch(page({ ...report, waves: [secret] }, []), /clusterCIDR/);
  });

  test("is compared with those before, the newest first", () => {
    const report = sampleOf({ nodes: 4 });
    const earlier = [1, 2].map((day) =>
      sampleOf({ nodes: day, began: Date.parse("2026-11-20T00:00:00Z") + day }),
    );
    assert.doesNotMatch(textOf(page(report, [])), /Compared/);
    assert.match(textOf(page(report, earlier)), /Compared with those before/);
  });

  test("an update that touched nothing, or has just begun, has one too", () => {
    const empty = {
      ...sampleOf({ nodes: 1, outcome: "running" }),
      waves: [],
      told: [],
      next: [],
      occasions: [],
    };
    assert.match(textOf(page(empty, [])), /Update running/);
  });
});

const course = (moments: Partial<NodeCourse>): NodeCourse => ({
  ...{ node: "a", oldPod: "x", newPod: "y", deleted: null, stopped: null, created: null },
  ...{ ready: null, synced: null, isExact: true, ...moments },
});

suite("the numbers of a report", () => {
  test("a gap is from the old process' end to the new one; stale rules to its first sync", () => {
    const whole = course({ stopped: 1, ready: 2.5, synced: 4 });
    assert.deepEqual([gapOf(whole), staleOf(whole)], [1.5, 3]);
    assert.deepEqual([gapOf(course({ ready: 2 })), staleOf(course({ stopped: 1 }))], [null, null]);
    assert.equal(gapOf(course({ stopped: 3, ready: 2 })), 0, "two kube-proxies are no time without one");
  });

  test("the median, and what 99 of 100 do not exceed", () => {
    const values = Array.from({ length: 200 }, (_, index) => index + 1);
    assert.deepEqual(distributionOf(values), { count: 200, median: 100, p99: 198, longest: 200 });
    assert.deepEqual(distributionOf([7]), { count: 1, median: 7, p99: 7, longest: 7 });
    assert.equal(distributionOf([]), null);
  });

  test("the slowest are those that still have none, then the longest without one", () => {
    const nodes = [
      course({ node: "a", stopped: 1, ready: 2 }),
      course({ node: "b", stopped: 1 }),
      course({ node: "c", stopped: 1, ready: 9 }),
      course({ node: "d" }),
    ];
    assert.deepEqual(
      slowest(nodes, 3).map(({ node }) => node),
      ["b", "c", "a"],
    );
  });

  test("at each moment every node has one of four states", () => {
    const nodes = [
      course({ stopped: 1, ready: 2, synced: 3 }),
      course({ oldPod: null, ready: 2, synced: 3 }),
      course({}),
    ];
    const states = momentsOf(nodes, [0, 4], 4).map(({ old, none, unsynced, synced }) => [
      old,
      none,
      unsynced,
      synced,
    ]);
    assert.deepEqual(states, [
      [2, 1, 0, 0],
      [1, 2, 0, 0],
      [1, 0, 2, 0],
      [1, 0, 0, 2],
      [1, 0, 0, 2],
    ]);
    assert.deepEqual(histogramOf([0, 0.4, 0.5, 1.6], 0.5), [2, 1, 0, 1]);
  });

  test("a change of a configuration is shown with what is around it, and none is no picture", () => {
    const lines = Array.from({ length: 20 }, (_, index) => `key${index}: 1`);
    const before = lines.join("\n");
    const after = before.replace("key10: 1", "key10: <b>");
    const text = changedLines(before, after);
    assert.match(text, /class="removed">-key10: 1</);
    assert.match(text, /class="added">\+key10: &#60;b&#62;</);
    assert.match(text, /key8: 1/);
    assert.doesNotMatch(text, /key7: 1/);
    assert.equal(changedLines(before, before), "");
  });
});
