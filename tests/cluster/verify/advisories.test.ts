/** What the doctor tells of versions and systems that it has met. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { advisoriesOf } from "../../../components/cluster/verify/advisories.ts";
import { readFleetInTime } from "../../../components/cluster/verify/fleet.ts";
import { formatDiagnosis } from "../../../components/cluster/verify/index.ts";
import type { Observation } from "../../../components/cluster/verify/observation.ts";
import { withApiServer } from "../apiServer.ts";
import { FakeCluster } from "./fakeCluster.ts";
import { answered, fleetOf, nodeWith, observed } from "./fixtures.ts";

const trixie = { kernel: "6.12.0-amd64", osImage: "Debian GNU/Linux 13 (trixie)" };

/** What is told of nodes with these machines, whose kube-proxies have said this. */
function told(
  nodes: Readonly<
    Record<string, readonly [machine: typeof trixie | undefined, probed: Partial<Observation> | string]>
  >,
) {
  const fleet = fleetOf(
    Object.entries(nodes).map(([name, [machine]]) => ({ ...nodeWith({}, name), machine })),
  );
  const answers = Object.entries(nodes).map(
    ([name, [, probed]]) =>
      [name, answered(typeof probed === "string" ? probed : { ...observed(), ...probed })] as const,
  );
  return advisoriesOf(fleet, new Map(answers));
}

suite("advisories of live nodes", () => {
  test("are none of kube-proxy as it was recorded, 1.37.2 by its own metrics", () => {
    assert.equal(observed().version, "v1.37.2");
    assert.deepEqual(told({ a: [trixie, {}], b: [trixie, { mode: "nftables" }] }), []);
  });

  test("go by what each node's kube-proxy says of itself", () => {
    const old = { version: "v1.36.2", mode: "nftables" };
    const found = told({
      c: [trixie, old],
      a: [trixie, old],
      iptables: [trixie, { ...old, mode: "iptables" }],
      mended: [trixie, { ...old, version: "v1.37.0" }],
      bookworm: [{ ...trixie, osImage: "Debian GNU/Linux 12 (bookworm)" }, old],
      unknown: [undefined, old],
      silent: [trixie, "no answer"],
    });
    const [nft, udp, ...more] = found;
    assert.equal(nft?.name, "nft-newer-than-image");
    assert.deepEqual(nft.nodes, ["a", "c"]);
    assert.equal(nft.source, "https://github.com/kubernetes/kubernetes/issues/136786");
    assert.equal(udp?.name, "udp-without-endpoints");
    assert.deepEqual(udp.nodes, ["a", "bookworm", "c", "iptables", "unknown"]);
    assert.deepEqual(more, []);
  });

  test("read detectLocalMode in either form that a release shows", () => {
    for (const name of ["detectLocalMode", "DetectLocalMode"]) {
      const configuration = { [name]: "InterfaceNamePrefix" };
      const found = told({ a: [trixie, { version: "v1.34.1", mode: "nftables", configuration }] });
      assert.ok(
        found.some((one) => one.name === "nftables-interface-names"),
        name,
      );
    }
  });

  test("are one line each below the table, and change nothing else of the result", () => {
    const ipvs = { version: "v1.35.8", mode: "ipvs" };
    const names = Array.from({ length: 7 }, (_, index) => `node-${index + 1}`);
    const advisories = [
      ...told({ ...Object.fromEntries(names.map((name) => [name, [undefined, ipvs] as const])) }),
    ];
    const finding = {
      pod: null,
      ageSeconds: null,
      lastSyncSeconds: null,
      pendingSeconds: null,
      mode: "ipvs",
      service: null,
      verdict: "healthy",
      findings: [],
    } as const;
    const diagnosis = {
      daemonSet: "kube-proxy",
      ok: true,
      healthy: 8,
      outliers: 0,
      excluded: 0,
      helpers: [],
      advisories,
      nodes: [...names, "other\u001b[2K\r"].map((node) => ({ node, ...finding })),
    };
    const text = formatDiagnosis(diagnosis, "restart");
    assert.match(
      text,
      /healthy, 0 outliers, 0 NotReady\.\n\nKnown of what runs there \(docs\/advisories\.md\):\n {2}udp-without-endpoints: node-1, node-2, node-3, node-4, node-5, 2 more: UDP .*\n {2}ipvs-deprecated: node-1, .*; plan the move to nftables \(https:\/\/github\.com\/kubernetes\/enhancements\/issues\/5495\)$/,
    );
    assert.match(
      formatDiagnosis({ ...diagnosis, nodes: diagnosis.nodes.slice(0, 7) }, "restart"),
      /ipvs-deprecated: all nodes: /,
    );
    assert.doesNotMatch(formatDiagnosis({ ...diagnosis, advisories: [] }, "restart"), /Known of/);
    const hostile = advisories.map((one) => ({ ...one, nodes: ["a\u001b[2K\r\nb"] }));
    assert.doesNotMatch(formatDiagnosis({ ...diagnosis, advisories: hostile }, "restart"), /[\u001b\r]/);
  });

  test("know a node's machine from its object, as much of it as any has", async () => {
    const machineOf = async (nodeInfo: object | undefined) => {
      const cluster = new FakeCluster([{ name: "runs", node: "a" }]);
      cluster.nodeInfo = nodeInfo;
      const choice = { daemonSet: "kube-proxy", nodes: undefined };
      const fleet = await withApiServer(cluster.answer, (config) =>
        readFleetInTime(config, choice, AbortSignal.timeout(10_000)),
      );
      return fleet.nodes[0]?.machine;
    };
    const nodeInfo = { kubeletVersion: "v1.37.2", kernelVersion: trixie.kernel, osImage: trixie.osImage };
    assert.deepEqual(await machineOf(nodeInfo), trixie);
    assert.equal(await machineOf(undefined), undefined);
    assert.equal((await machineOf({ ...nodeInfo, osImage: "x".repeat(9_999) }))?.osImage.length, 100);
    await assert.rejects(machineOf({ ...nodeInfo, osImage: 13 }), /nodeInfo\.osImage/);
  });
});
