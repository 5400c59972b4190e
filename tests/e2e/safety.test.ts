import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setFaults } from "../../lab/index.ts";
import { changesOf, type Scenario } from "./scenario.ts";
import { useLab } from "./useLab.ts";

const nodes = 5;

suite("a restart is safe and proved", () => {
  const folder = mkdtempSync(join(tmpdir(), "kube-proxy-safety-"));
  const snapshotFolder = join(folder, "snapshots");
  const lab = useLab({ name: "e2e-safety", nodes });
  let scenario: Scenario;
  before(async () => {
    scenario = await lab.open({ snapshotFolder });
    await scenario.up();
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const snapshots = () =>
    (readdirSync(snapshotFolder, { recursive: true }) as string[])
      .filter((name) => name.endsWith(".yaml"))
      .sort();

  test("a snapshot of what was there comes first, for the user alone", async () => {
    const before = snapshots().length;
    await scenario.up({ restart: "with a snapshot" });
    assert.equal(snapshots().length, before + 1);
    const path = join(snapshotFolder, snapshots().at(-1) ?? "");
    assert.match(readFileSync(path, "utf8"), /kube-proxy\/restart: initial/);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  test("the output has one line for each node, with its verdict", async () => {
    const { output } = await scenario.up({ restart: "with a table" });
    assert.match(output, /NODE +POD +AGE +SYNCED AFTER +MODE +VERDICT/);
    assert.equal(output.match(/node-\d{4} +kube-proxy-\w+ .* verified/g)?.length, nodes);
  });

  test("a snapshot that fails stops the restart before anything is deleted", async () => {
    const untouched = await scenario.cluster.fingerprint();
    const file = join(folder, "a file");
    writeFileSync(file, "");
    await scenario.stack.setConfig({ snapshotFolder: file, restart: "not to be" });
    const failed = await scenario.stack.up();
    assert.ok(!failed.ok);
    assert.match(failed.output, /a file/);
    assert.deepEqual(await scenario.cluster.fingerprint(), untouched);
    await scenario.up({ snapshotFolder, restart: "with a table" });
  });

  test("a node that does not sync fails the up and is named; once it is well, the next up proves it", async () => {
    setFaults(lab.lab, { "node-0003": "neverSynced" });
    await scenario.stack.setConfig({ restart: "with a fault", timeouts: { verify: "3s" } });
    const failed = await scenario.stack.up();
    assert.ok(!failed.ok, "a kube-proxy that never synced passed");
    assert.match(failed.output, /node-0003 .*failed: /);

    setFaults(lab.lab, {});
    const repeated = await scenario.up();
    const changes = changesOf(repeated).join();
    assert.match(changes, /create-replacement kube-proxy-verify/);
    assert.doesNotMatch(changes, /daemon-set|config-map/, "only the proof is repeated");
    assert.deepEqual(changesOf(await scenario.stack.preview()), []);
  });
});
