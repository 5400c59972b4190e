import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { argsShape, checkArgs } from "../../components/args.ts";
import { formatProblems } from "../../components/input/problems.ts";

const settings = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" };
const canary = { name: "canary", nodeSelector: { pool: "canary" } };
const rest = { name: "rest", matchExpressions: [{ key: "pool", operator: "NotIn", values: ["canary"] }] };

const node = (name: string, labels: Record<string, string> = {}) => ({
  name,
  labels,
  taints: [],
  ready: "True",
});

function refusal(more: Record<string, unknown>, nodes = [node("node-1")]): string {
  const problems = checkArgs(
    argsShape,
    { ...settings, ...more },
    { nodes, daemonSets: [], configMaps: [], helpers: [] },
  );
  return formatProblems("the test", problems);
}

suite("pools", () => {
  test("that have every node once are accepted", () => {
    assert.deepEqual(checkArgs(argsShape, { ...settings, pools: [canary, rest] }, undefined), []);
    assert.deepEqual(checkArgs(argsShape, { ...settings, pools: [{ name: "all" }] }, undefined), []);
  });

  test("nodes in two pools, or in none, are named with the pools", () => {
    const nodes = [node("node-1", { pool: "canary" }), node("node-2")];
    assert.match(
      refusal({ pools: [canary, { name: "all" }] }, nodes),
      /pools: every node in one pool; one with pool=canary is in canary and all \(now: node-1\): narrow all but one/,
    );
    assert.match(
      refusal({ pools: [canary] }, nodes),
      /pools: every node in one pool; one with another pool than canary is in none \(now: node-2\): add a pool/,
    );
  });

  test("nodes that are excluded need no pool", () => {
    const excludeNodes = [{ key: "pool", operator: "NotIn", values: ["canary"] }];
    assert.deepEqual(checkArgs(argsShape, { ...settings, excludeNodes, pools: [canary] }, undefined), []);
    assert.match(refusal({ pools: [canary] }), /is in none/);
  });

  test("a nodeSelector of all pools counts: other nodes need no pool", () => {
    const pools = [{ name: "a", nodeSelector: { zone: "a" } }];
    assert.deepEqual(
      checkArgs(argsShape, { ...settings, pools, nodeSelector: { zone: "a" } }, undefined),
      [],
    );
    assert.match(
      refusal({ pools: [...pools, { name: "b", nodeSelector: { zone: "b" } }], nodeSelector: { zone: "a" } }),
      /pools\[1\]: nodes that can exist: what pool b requires contradicts itself/,
    );
  });

  test("every mistake of a pool is named by its place", () => {
    const message = refusal({
      pools: [
        { ...canary, maxUnavailable: "101%", image: "no tag\n" },
        { name: "Not A Label" },
        { name: "x".repeat(53), colour: "red" },
        { name: "surge", maxSurge: 1 },
      ],
    });
    for (const line of [
      'pools[0].maxUnavailable: "101%" is not accepted',
      'pools[0].image: "no tag\\n" is not accepted',
      'pools[1].name: "Not A Label" is not accepted; accepted: a DNS label of at most 52 characters',
      `pools[2].name: "${"x".repeat(53)}" is not accepted`,
      "pools[2].colour: unknown key",
      "pools[3].maxSurge: 1 is not accepted; accepted: nothing: a second kube-proxy cannot run beside the first",
    ]) {
      assert.ok(message.includes(line), `${line}\nis not in\n${message}`);
    }
  });

  test("what only pools together show is told, too", () => {
    assert.match(
      refusal({ pools: [canary, { ...rest, name: "canary" }] }),
      /pools\[1\]\.name: "canary" is not/,
    );
    const expression = { key: "pool", operator: "In" };
    assert.match(
      refusal({ pools: [{ name: "a", matchExpressions: [expression] }] }),
      /pools\[0\]\.matchExpressions\[0\]\.values: is required with In: one value or more/,
    );
    assert.match(
      refusal({
        pools: [{ name: "a", matchExpressions: [{ ...expression, operator: "Exists", values: ["1"] }] }],
      }),
      /pools\[0\]\.matchExpressions\[0\]\.values: \["1"\] is not accepted; accepted: none with Exists/,
    );
    assert.match(
      refusal({ pools: [canary, { ...rest, configuration: { moed: "ipvs" } }] }),
      /pools\[1\]\.configuration\.moed: unknown/,
    );
  });

  test("a surge is refused with the reason without pools, too", () => {
    assert.match(
      refusal({ updateStrategy: { rollingUpdate: { maxSurge: "10%" } } }),
      /updateStrategy\.rollingUpdate\.maxSurge: "10%" is not accepted; accepted: nothing: a second kube-proxy/,
    );
    for (const maxUnavailable of ["0", "0%", "101%", 0]) {
      assert.match(
        refusal({ updateStrategy: { rollingUpdate: { maxUnavailable } } }),
        /maxUnavailable: .* is not accepted; accepted: a number of nodes above 0 or a percentage from 1% to 100%/,
      );
    }
  });
});

suite("nodes to restart alone", () => {
  test("have to exist", () => {
    assert.match(
      refusal({ restartNodes: { nodes: ["node-1", "node-7"] } }),
      /restartNodes\.nodes\[1\]: "node-7" is not accepted; accepted: the name of a node of this cluster, such as node-1/,
    );
    assert.match(refusal({ restartNodes: { nodes: [] } }), /restartNodes\.nodes: \[\] is not accepted/);
    assert.match(refusal({ restartNodes: { nodes: ["$(touch x)"] } }), /restartNodes\.nodes\[0\]/);
    assert.match(refusal({ restartNodes: { nodes: ["node-1"], token: "a\nb" } }), /restartNodes\.token/);
  });
});
