import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { closedSpans, cut, resultOf, timelineOf, type View } from "../../bench/node/behaviour.ts";
import type { Attempt } from "../node/probe.ts";

const began = 1_000_000;

const attempt = (at: number, more: Partial<Attempt> = {}): Attempt => ({
  from: "node",
  target: "ClusterIP tcp IPv4",
  flow: "new",
  at: began + at,
  took: 1,
  ...more,
});

const failed = { error: "refused" };

/** A change of 5 s, during which `real-1` had no kube-proxy from 1 to 2 s. */
const view: View = {
  began,
  ended: began + 5000,
  attempts: [
    attempt(-500, failed),
    attempt(500),
    attempt(1500, { ...failed, from: "pod" }),
    attempt(1500, { flow: "kept", ...failed }),
    attempt(1600, { flow: "kept", ...failed }),
    attempt(1600, { flow: "kept", from: "pod" }),
    attempt(1700, { target: "NodePort udp IPv6" }),
  ],
  nodes: [
    {
      name: "real-1",
      from: "node",
      health: [-9000, 500, 1000, 1500, 2000, 9000].map((at) =>
        attempt(at, at === -9000 || (at >= 1000 && at < 2000) ? failed : {}),
      ),
      syncs: [
        { family: "IPv4", at: began + 900 },
        { family: "IPv4", at: began + 2500 },
        { family: "IPv6", at: began + 2700 },
        { family: "IPv4", at: began + 4000 },
        { family: "IPv4", at: began + 9000 },
      ],
      pods: [
        { uid: "long ago", created: began - 9000, ready: began - 8000, gone: began - 7000 },
        { uid: "old", created: began - 6000, ready: began - 5000, gone: began + 1200 },
        { uid: "new", created: began + 1300, ready: began + 2100 },
      ],
      helpers: { syncs: [], pods: [{ uid: "long ago", created: began - 9000, gone: began - 8000 }] },
    },
  ],
};

const about = { mode: "iptables", what: "restart", command: "pulumi up" } as const;

suite("what a change did", () => {
  test("failures are counted by flow, and connections that broke, once each", () => {
    const { flows, tookMs } = resultOf(about, cut(view));
    assert.deepEqual(flows, {
      "new tcp": { attempts: 3, failed: 2 },
      "kept tcp": { attempts: 3, failed: 2, kept: 2, broken: 1, moved: 0 },
      "new udp": { attempts: 1, failed: 0 },
      "kept udp": { attempts: 0, failed: 0, kept: 0, broken: 0, moved: 0 },
    });
    assert.equal(tookMs, 5000);
  });

  test("a flow that another pod answers has moved", () => {
    const from = (server: string, at: number) =>
      attempt(at, { target: "NodePort udp IPv4", flow: "kept", server });
    const { flows } = resultOf(about, { ...view, attempts: [from("a", 1), from("b", 2), from("b", 3)] });
    assert.deepEqual(flows["kept udp"], { attempts: 3, failed: 0, kept: 1, broken: 0, moved: 1 });
  });

  test("what had to be in vain is not counted", () => {
    const { flows } = resultOf(about, cut({ ...view, counted: began + 1501 }));
    assert.deepEqual(flows["new tcp"], { attempts: 0, failed: 0 });
    assert.equal(flows["kept tcp"].failed, 1);
  });

  test("the first answer is the first that came since it was waited for", () => {
    assert.equal(resultOf(about, cut(view)).firstAnswerMs, undefined);
    assert.equal(resultOf(about, cut({ ...view, awaited: began + 1000 })).firstAnswerMs, 601);
  });

  test("a node: when nobody listened, when the new pod was ready, when every IP family was synced", () => {
    assert.deepEqual(resultOf(about, cut(view)).nodes, [
      { name: "real-1", closed: [[1000, 2000]], ready: 2100, synced: 2700 },
    ]);
  });

  test("a node whose kube-proxy went on has neither", () => {
    const [node] = view.nodes;
    assert.ok(node);
    const untouched = { ...node, health: node.health.filter(({ error }) => error === undefined), pods: [] };
    assert.deepEqual(resultOf(about, cut({ ...view, nodes: [untouched] })).nodes, [
      { name: "real-1", closed: [] },
    ]);
  });

  test("nobody listens until somebody does, or as long as was looked", () => {
    const at = (moment: number, error?: string) => ({ at: moment, ...(error !== undefined && { error }) });
    assert.deepEqual(closedSpans([], 0), []);
    assert.deepEqual(closedSpans([at(3), at(1, "no"), at(2, "no"), at(4, "no"), at(6, "no")], 0), [
      [1, 3],
      [4, 6],
    ]);
  });
});

const helpers = {
  syncs: [{ family: "IPv4", at: began + 700 }],
  pods: [{ uid: "helper", created: began + 300, ready: began + 600, gone: began + 1300 }],
};

suite("the course of a change", () => {
  test("has the helpers of a switch beside the kube-proxies, which alone count", () => {
    const [node] = view.nodes;
    assert.ok(node);
    const switching = cut({ ...view, nodes: [{ ...node, helpers }] });
    assert.deepEqual(timelineOf("switch", "iptables", switching).nodes[0]?.helpers, {
      pods: [{ created: 300, ready: 600, gone: 1300 }],
      syncs: [700],
    });
    assert.deepEqual(resultOf(about, switching), resultOf(about, cut(view)));
    assert.equal(timelineOf("restart", "iptables", cut(view)).nodes[0]?.helpers, undefined);
  });

  test("is what was seen from a second before to a second after, without what was before or after that", () => {
    const { shown, tookMs, nodes } = timelineOf("restart", "iptables", cut(view));
    assert.deepEqual([shown, tookMs], [[-1000, 6000], 5000]);
    const [{ pods, closed, syncs } = assert.fail(), ...others] = nodes;
    assert.deepEqual(others, []);
    assert.deepEqual(pods, [
      { created: null, ready: null, gone: 1200 },
      { created: 1300, ready: 2100, gone: null },
    ]);
    assert.deepEqual(closed, [[1000, 2000]]);
    assert.deepEqual(syncs, [900, 2500, 2700, 4000]);
  });

  test("has all attempts where it is not told from where on a node they came", () => {
    const anywhere = view.nodes.map(({ from: _, ...node }) => node);
    const [node = assert.fail()] = timelineOf("restart", "iptables", cut({ ...view, nodes: anywhere })).nodes;
    const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
    assert.deepEqual(
      node.lanes.map(({ flow, attempts, failed }) => [flow, sum(attempts), sum(failed)]),
      [
        ["new tcp", 3, 2],
        ["kept tcp", 3, 2],
        ["new udp", 1, 0],
        ["kept udp", 0, 0],
      ],
    );
    assert.equal(node.from, undefined);
  });

  test("has a node's own attempts, a tenth of a second each", () => {
    const lanes = timelineOf("restart", "iptables", cut(view)).nodes[0]?.lanes ?? [];
    const seen = lanes.map(({ flow, attempts, failed }) => {
      const at = (counts: readonly number[]) =>
        counts.flatMap((count, bin) => (count > 0 ? [[bin, count]] : []));
      assert.equal(attempts.length, 70);
      return [flow, at(attempts), at(failed)];
    });
    assert.deepEqual(seen, [
      [
        "new tcp",
        [
          [5, 1],
          [15, 1],
        ],
        [[5, 1]],
      ],
      [
        "kept tcp",
        [
          [25, 1],
          [26, 1],
        ],
        [
          [25, 1],
          [26, 1],
        ],
      ],
      ["new udp", [[27, 1]], []],
      ["kept udp", [], []],
    ]);
  });
});
