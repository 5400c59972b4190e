/** A lab with real nodes leaves nothing on this machine, however it ends. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { binary, down, nodeCommand, up } from "../../lab/index.ts";
import { isAlive, type ProcessIdentity } from "../../lab/process.ts";
import { nodeSoftware } from "../../lab/real/build.ts";
import { cgroupOf, hierarchies } from "../../lab/real/cgroups.ts";
import { labDir, readState, type Component } from "../../lab/state.ts";
import { runOrFail } from "../../lab/tools.ts";
import { waitFor } from "../../lab/wait.ts";
import { changes, processesUnder, readTraces, type Traces } from "./host.ts";
import { skip } from "./requirements.ts";

const name = `t${process.pid}-traces`;
const dir = labDir(name);

const components = (): Component[] => readState(dir)?.components ?? [];
const processes = (): ProcessIdentity[] => processesUnder(components().map(({ pid }) => pid));
/** A node's processes, first the one that is the whole node. */
const nodeProcesses = (node: string): ProcessIdentity[] =>
  processesUnder(
    components()
      .filter((component) => component.name === node)
      .map(({ pid }) => pid),
  );
const cgroups = (): string[] =>
  hierarchies()
    .map((root) => join(root, cgroupOf(dir)))
    .filter((path) => existsSync(path));

async function end(killed: readonly ProcessIdentity[]): Promise<void> {
  await waitFor("the end of the lab's processes", { timeoutMs: 30_000 }, () => !killed.some(isAlive));
}

suite("what a lab with real nodes leaves on this machine", { skip }, () => {
  let userland: string;
  let untouched: Traces;

  before(async () => {
    const options = { log: console.log };
    ({ userland } = await nodeSoftware(await binary(options.log), options));
    untouched = await readTraces(userland);
  });
  after(async () => {
    await down(name);
  });

  const assertNothingLeft = async () => {
    assert.equal(existsSync(dir), false, `${dir} exists`);
    assert.deepEqual(cgroups(), []);
    assert.deepEqual(changes(untouched, await readTraces(userland)), []);
  };

  test("while it is up, only cgroups of its own", async () => {
    const lab = await up({ name, realNodes: 2, mode: "nftables" });
    assert.equal(cgroups().length, hierarchies().length);
    for (const node of lab.realNodes) {
      await waitFor(`the rules of ${node}`, { timeoutMs: 30_000 }, async () =>
        (await runOrFail(nodeCommand(lab, node, ["nft", "list", "ruleset"]))).includes("table ip kube-proxy"),
      );
    }
    assert.deepEqual(changes(untouched, await readTraces(userland)), []);
  });

  test("a node that is killed takes everything along that ran on it", async () => {
    const all = nodeProcesses("real-2");
    assert.ok(all.length > 5, "containerd, the kubelet, a sandbox and kube-proxy among them");
    process.kill(all[0]?.pid ?? 0, "SIGKILL");
    await end(all);
  });

  test("nothing after down", async () => {
    const all = processes();
    assert.equal(await down(name), true);
    await end(all);
    await assertNothingLeft();
  });

  test("nothing after up was killed, and down", async () => {
    const main = join(import.meta.dirname, "../../lab/main.ts");
    const starting = spawn(process.execPath, [main, "up", "--name", name, "--real-nodes", "1"], {
      stdio: "ignore",
    });
    const ended = new Promise((resolve) => starting.once("close", resolve));
    await waitFor("containerd to start", { timeoutMs: 120_000 }, () => nodeProcesses("real-1").length > 2);
    const all = processes();
    starting.kill("SIGKILL");
    await ended;
    assert.ok(all.some(isAlive), "they outlive who started them");
    await down(name);
    await end(all);
    await assertNothingLeft();
  });

  test("nothing after every process was killed, and down", async () => {
    await up({ name, realNodes: 1 });
    const all = processes();
    for (const { pid } of components()) process.kill(pid, "SIGKILL");
    await end(all);
    await down(name);
    await assertNothingLeft();
  });
});
