import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setFaults } from "../../lab/index.ts";
import { Flaw, mount } from "../fileSystem.ts";
import { changesOf, type LivePod, type Scenario } from "./scenario.ts";
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

  /** Paths of all files below a folder, the oldest snapshot first; none where there is no folder yet. */
  const filesIn = (folder: string) =>
    (existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [])
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .sort();
  const uids = (pods: readonly LivePod[]) => pods.map(({ metadata }) => metadata.uid).sort();

  test("a snapshot of what was there comes first, for the user alone", async () => {
    const before = filesIn(snapshotFolder).length;
    await scenario.up({ restart: "with a snapshot" });
    assert.equal(filesIn(snapshotFolder).length, before + 1);
    const path = filesIn(snapshotFolder).at(-1) ?? "";
    assert.match(readFileSync(path, "utf8"), /kube-proxy\/restart: initial/);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  test("the output has one line for each node, with its verdict", async () => {
    const { output } = await scenario.up({ restart: "with a table" });
    assert.match(output, /NODE +POD +AGE +SYNCED AFTER +MODE +SERVICE +VERDICT/);
    // Twice: from its command, and at the end of the run, where a command's own output is gone.
    const lines = output.match(/node-\d{4} +kube-proxy-\w+ .* verified/g) ?? [];
    assert.deepEqual([new Set(lines).size, lines.length], [nodes, 2 * nodes]);
  });

  test("a snapshot folder that is missing is made, for the user alone", async () => {
    const missing = join(folder, "a", "b");
    await scenario.up({ snapshotFolder: missing, restart: "with a new folder" });
    assert.equal(statSync(missing).mode & 0o777, 0o700);
    assert.equal(filesIn(missing).length, 1);
    await scenario.stack.setConfig({ snapshotFolder });
  });

  test("pods are left to nobody else who selects them: refused in the preview, and again right before the deletion", async () => {
    const untouched = [await scenario.cluster.fingerprint(), uids(await scenario.cluster.pods())];
    const labels = { "k8s-app": "kube-proxy" };
    const twin = {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name: "proxy-arm64" },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            nodeSelector: { "kubernetes.io/arch": "none" },
            containers: [{ name: "proxy", image: "registry.example.com/proxy" }],
          },
        },
      },
    };
    await scenario.cluster.kubectl(["create", "-f", "-"], JSON.stringify(twin));
    try {
      await scenario.stack.setConfig({ restart: "beside a twin" });
      const preview = await scenario.stack.preview();
      assert.ok(!preview.ok);
      assert.match(
        preview.output,
        /pod-adopter: DaemonSet kube-system\/proxy-arm64: selects kube-proxy's pods/,
      );
      const ignored = { "pod-adopter": "as if it came after the preview" };
      await scenario.stack.setConfig({ ignorePreflightErrors: ignored });
      const up = await scenario.stack.up();
      assert.ok(!up.ok);
      assert.match(
        up.output,
        /nothing was changed:\s+DaemonSet kube-system\/proxy-arm64: selects kube-proxy's pods/,
      );
      assert.deepEqual(
        [await scenario.cluster.fingerprint(), uids(await scenario.cluster.pods())],
        untouched,
      );
    } finally {
      await scenario.cluster.kubectl(["delete", "daemonset", "proxy-arm64", "--cascade=orphan"]);
    }
    await scenario.up({ ignorePreflightErrors: {} });
  });

  suite("a snapshot that fails stops the restart before anything is changed", () => {
    async function refused(unusable: string, reason: RegExp): Promise<void> {
      const [objects, pods] = [await scenario.cluster.fingerprint(), await scenario.cluster.pods()];
      await scenario.stack.setConfig({ snapshotFolder: unusable, restart: "not to be" });
      const failed = await scenario.stack.up();
      await scenario.stack.setConfig({ snapshotFolder, restart: "with a new folder" });
      assert.ok(!failed.ok, "up went through");
      assert.ok(
        failed.output.includes(`folder: ${JSON.stringify(unusable)} is not accepted; accepted: `),
        failed.output,
      );
      assert.match(failed.output, /mend it, or choose another one by snapshotFolder/);
      assert.match(failed.output, reason);
      assert.match(failed.output, /exit status 1: running "snapshot":/);
      assert.doesNotMatch(failed.output, /^\s+at .*\.[jt]s:\d+/m, "a stack trace");
      assert.ok(
        // The component itself has another token.
        changesOf(failed).every((change) => / kube-proxy(-snapshot)?$/.test(change)),
        failed.output,
      );
      assert.deepEqual(await scenario.cluster.fingerprint(), objects);
      assert.deepEqual(uids(await scenario.cluster.pods()), uids(pods));
    }

    test("a file in the folder's place", async () => {
      const file = join(folder, "a file");
      writeFileSync(file, "");
      await refused(file, /ENOTDIR: not a directory/);
    });

    for (const [what, reason] of [
      ["readOnly", /EROFS: read-only file system/],
      ["full", /ENOSPC: no space left on device/],
    ] as const) {
      test(`a file system that is ${what}`, async (t) => {
        const flawed = await mount(Flaw[what]);
        if (flawed === undefined) {
          t.skip("this machine has no mounts for a process of its own");
          return;
        }
        try {
          await refused(flawed.path, reason);
          assert.deepEqual(filesIn(flawed.path), []);
        } finally {
          await flawed.unmount();
        }
      });
    }

    test("with a folder that can be used, the next up has nothing left to mend", async () => {
      await scenario.up();
      assert.deepEqual(changesOf(await scenario.stack.preview()), []);
    });
  });

  test("a node that does not sync fails the up and is named; once it is well, the next up proves it", async () => {
    setFaults(lab.lab, { "node-0003": "neverSynced" });
    await scenario.stack.setConfig({ restart: "with a fault", timeouts: { verify: "3s" } });
    const failed = await scenario.stack.up();
    assert.ok(!failed.ok, "a kube-proxy that never synced passed");
    assert.match(failed.output, /node-0003 .*failed: /);
    assert.match(failed.output, /exit status 1: running "verify":/);

    setFaults(lab.lab, {});
    const repeated = await scenario.up({ timeouts: {} });
    const changes = changesOf(repeated).join();
    assert.match(changes, /create-replacement kube-proxy-verify/);
    assert.doesNotMatch(changes, /daemon-set|config-map/, "only the proof is repeated");
    assert.deepEqual(changesOf(await scenario.stack.preview()), []);
  });
});
