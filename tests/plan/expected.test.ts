/** What the report of an update says before it begins: what it is, from what to what. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { NodeFacts } from "../../components/index.ts";
import { expectedOf, type Update } from "../../components/plan/expected.ts";
import { intentOf, type Wish } from "../../components/plan/intent.ts";
import { type Plain, planOf } from "../../components/plan/plan.ts";
import { asReport } from "../../components/report/read.ts";
import { type Expected, UpdateRecord } from "../../components/report/record.ts";
import { factsAfter } from "./facts.ts";

const plain: Plain = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" };
const node: NodeFacts = {
  ...{ name: "a", labels: { "kubernetes.io/os": "linux" }, taints: [], ready: "True" },
};
const installed = factsAfter(plain, [node]);
const told = { lines: ["it goes"], warnings: ["mind"] };
const update: Update = {
  ...{ held: [], isAdoption: false, owner: "org/kube-proxy/prod" },
  ...{ token: undefined, strategy: undefined, told, env: { BUILD_URL: "https://ci.example.com/7" } },
};

function expect(
  settings: Partial<Plain>,
  {
    facts = installed,
    secret = false,
    ...more
  }: Partial<Update & Pick<Wish, "secret">> & { facts?: typeof installed } = {},
): Expected {
  const wanted = { ...plain, ...settings };
  const { waves } = planOf(wanted, facts, { ...(more.held && { held: [...more.held] }) });
  const wish = {
    settings: wanted,
    waves,
    held: more.held ?? [],
    running: true,
    verify: true,
    restartsNodes: false,
  };
  return expectedOf(intentOf({ ...wish, secret }, facts), { ...update, ...more }, facts);
}

suite("what an update is expected to do", () => {
  test("is nothing, provisioning, a restart, a rollout, a switch between modes, an adoption", () => {
    const none = { ...installed, daemonSets: [], configMaps: [] };
    assert.deepEqual(expect({}).occasions, []);
    assert.deepEqual(expect({}, { facts: none }).occasions, ["provision"]);
    assert.deepEqual(expect({ restart: "7" }).occasions, ["restart"]);
    assert.deepEqual(expect({ image: "registry.example.com/kube-proxy:v1.37.2" }).occasions, ["rollout"]);
    assert.deepEqual(expect({ configuration: { mode: "nftables" } }).occasions, ["mode switch"]);
    assert.deepEqual(expect({ configuration: { mode: "nftables" }, restart: "7" }).occasions, [
      "mode switch",
      "restart",
    ]);
    assert.deepEqual(expect({}, { isAdoption: true }).occasions, ["adoption"]);
  });

  test("says of each wave from what to what, and what is untouched", () => {
    const [wave] = expect({ restart: "7", configuration: { mode: "nftables" } }).waves;
    assert.equal(wave?.state, "waiting");
    assert.deepEqual(
      [wave.before?.mode, wave.before?.token, wave.after.mode, wave.after.token],
      ["iptables", "initial", "nftables", "7"],
    );
    const { before } = wave;
    assert.equal(before?.image, wave.after.image);
    assert.match(before.configuration ?? "", /mode: (""|iptables)/);
    assert.match(wave.after.configuration ?? "", /mode: nftables/);
    assert.ok(
      wave.changes.some((line) => line.includes("mode")),
      wave.changes.join(),
    );
    assert.equal(expect({}).waves[0]?.state, "unchanged");
    assert.equal(
      expect({}, { facts: { ...installed, daemonSets: [], configMaps: [] } }).waves[0]?.before,
      null,
    );
  });

  test("says who, why, where, and what was told, warnings first", () => {
    const expected = expect({ restart: "7" }, { token: "7" });
    assert.equal(expected.by, "https://ci.example.com/7");
    assert.equal(expected.token, "7");
    assert.equal(expected.stack, "org/kube-proxy/prod");
    assert.deepEqual(expected.told, [
      { level: "warn", text: "mind" },
      { level: "info", text: "it goes" },
    ]);
    const where = expect(
      {},
      { facts: { ...installed, server: "https://me:secret@api.example.com" } },
    ).cluster;
    assert.equal(where.server, "https://api.example.com");
  });

  test("has no value of a secret", () => {
    const [wave] = expect({ configuration: { mode: "nftables" } }, { secret: true }).waves;
    assert.deepEqual(
      [wave?.before?.configuration, wave?.after.configuration, wave?.changes],
      [null, null, []],
    );
  });

  test("has no value of the container's env, nor of an argument with a password", () => {
    const env = [
      { name: "HTTPS_PROXY", value: "https://me:hunter2@proxy.example.com" },
      { name: "TOKEN", value: "hunter2" },
    ];
    const expected = expect({ env, extraArgs: ["--proxy=https://me:hunter2@proxy.example.com"] });
    assert.ok(
      expected.waves[0]?.changes.some((line) => line.startsWith("env")),
      JSON.stringify(expected.waves),
    );
    assert.doesNotMatch(JSON.stringify(expected), /hunter2/);
  });

  test("names the pools that it does not reach", () => {
    const pools = [
      { name: "one", nodeSelector: { pool: "one" } },
      { name: "rest", matchExpressions: [{ key: "pool", operator: "NotIn", values: ["one"] }] },
    ];
    const { skipped, waves } = expect({ pools }, { held: ["rest"] });
    assert.deepEqual(
      skipped.map(({ what }) => what),
      ["pool rest"],
    );
    assert.deepEqual(
      waves.map(({ pool }) => pool),
      ["one"],
    );
  });

  test("makes a report that is read back", () => {
    const report = new UpdateRecord(expect({ restart: "7" }), 0, { pid: 1, host: "here" }).report(1, null);
    assert.deepEqual(asReport(JSON.parse(JSON.stringify(report))), report);
  });
});
