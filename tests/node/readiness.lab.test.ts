/** Which readiness probe stops a rollout at the first node, where kube-proxy cannot write its rules. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { parse } from "yaml";
import { nodeCommand } from "../../lab/index.ts";
import { runOrFail } from "../../lab/tools.ts";
import { changesOf } from "../e2e/scenario.ts";
import { kept, useNodes } from "./nodes.ts";
import { skip } from "./requirements.ts";

/** What the page says: the Service and the probe. */
const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "readiness.md"), "utf8");
const [service = "", config = ""] = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, yaml]) => yaml);
const { readinessProbe } = parse(config) as { readinessProbe: object };
const livez = { httpGet: { path: "/livez", port: 10256 }, periodSeconds: 1 };

/** An `nft` that is well until something is to be written. */
const nft = `#!/bin/sh
case "$*" in
*--version*) echo "nftables v1.0.9 (Old Doc Yak #3)" ;;
*--check*) ;;
*-f*) echo "no rule can be written" >&2; exit 1 ;;
*) echo '{"nftables": []}' ;;
esac
`;
const broken = {
  volumes: [{ name: "nft", hostPath: { path: "/run/broken-nft", type: "File" } }],
  volumeMounts: [{ name: "nft", mountPath: "/usr/sbin/nft", readOnly: true }],
};
const whole = { volumes: [], volumeMounts: [] };
const inHaste = { timeouts: { update: "30s", verify: "10s" } };

suite("a readiness probe", { skip, concurrency: 1 }, () => {
  const nodes = useNodes("readiness", "nftables");
  before(async () => {
    for (const name of nodes.lab.realNodes) {
      const script = `cat >/run/broken-nft && chmod +x /run/broken-nft`;
      await runOrFail(nodeCommand(nodes.lab, name, ["sh", "-c", script]), { stdin: nft });
    }
    await nodes.scenario.cluster.kubectl(["apply", "-f", "-"], service);
    await nodes.scenario.up({ readinessProbe });
  });

  /** Updates to a kube-proxy that cannot write its rules; says how many of the pods are still the old ones. */
  async function breakIt(): Promise<{ output: string; old: number }> {
    const before = await nodes.pods();
    await nodes.scenario.stack.setConfig({ ...broken, ...inHaste });
    const { ok, output } = await nodes.scenario.stack.up();
    assert.ok(!ok, output);
    return { output, old: kept(before, await nodes.pods()).length };
  }

  test("of the port that kube-proxy opens after its first sync: the second node keeps its kube-proxy", async (t) => {
    let broke = { output: "", old: -1 };
    await nodes.losesNothing(t, async () => (broke = await breakIt()));
    assert.equal(broke.old, 1, broke.output);
    await nodes.losesNothing(t, () => nodes.scenario.up(whole));
    assert.deepEqual(changesOf(await nodes.scenario.stack.preview()), []);
  });

  test("of /livez does not: it says 200 all the same, and the proof alone finds out", async () => {
    await nodes.scenario.up({ readinessProbe: livez });
    const { output, old } = await breakIt();
    assert.equal(old, 0, output);
    assert.match(output, /it has never synced its rules/);
    await nodes.scenario.up(whole);
  });
});
