/** Five clusters, each a lab with a stack of its own, restarted in waves by the program itself. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { down, type Lab, setFaults, up } from "../../lab/index.ts";
import { baseConfig, Cluster } from "../e2e/scenario.ts";
import { type Ended } from "../engine/process.ts";
import { Project } from "./project.ts";

const root = join(import.meta.dirname, "..", "..");
const stacks = ["fleet-canary", "fleet-a", "fleet-b", "fleet-c", "fleet-d"];
const [canary = "", ...rest] = stacks;
const waves = [
  { name: "canary", stacks: [canary] },
  { name: "first", stacks: rest.slice(0, 2), concurrency: 2, pause: "1s" },
  { name: "rest", stacks: rest.slice(2), concurrency: 2 },
];

suite("five clusters in waves", () => {
  const project = new Project(root, ["node_modules", "components", "commands"]);
  const labs = new Map<string, Lab>();
  before(async () => {
    await Promise.all(stacks.map(async (stack) => labs.set(stack, await up({ name: stack, nodes: 2 }))));
    for (const stack of stacks) {
      const config = {
        ...baseConfig,
        kubeconfig: labOf(stack).kubeconfig,
        snapshotFolder: join(project.folder, "snapshots"),
        report: true,
        timeouts: { verify: "30s" },
      };
      const own = Object.entries(config).map(([key, value]) => [`kube-proxy:${key}`, value]);
      await project.addStack(stack, Object.fromEntries(own) as Record<string, unknown>);
    }
  });
  after(async () => {
    await Promise.all(stacks.map((stack) => down(stack)));
    project.dispose();
  });

  function labOf(stack: string): Lab {
    const lab = labs.get(stack);
    assert.ok(lab);
    return lab;
  }

  /** The token of each cluster's DaemonSet, in the order of the stacks. */
  async function tokens(): Promise<(string | undefined)[]> {
    const sets = await Promise.all(stacks.map((stack) => new Cluster(labOf(stack)).daemonSet()));
    return sets.map((set) => set?.metadata.annotations?.["kube-proxy/restart"]);
  }

  const begun = ({ output }: Ended) => (output.match(/^\S+(?=: begins)/gm) ?? []).sort();

  test("provisions all of them, side by side", async () => {
    project.setFleet({ waves: [{ name: "all", stacks, concurrency: stacks.length }] });
    const { exitCode, output } = await project.fleet("up");
    assert.equal(exitCode, 0, output);
    assert.match(output, /^5 of 5 clusters are done; 10 nodes were proved\.$/m);
    assert.deepEqual(await tokens(), Array(5).fill("initial"));
  });

  test("a cluster whose proof fails halts the restart before the next wave", async () => {
    project.setFleet({ waves });
    setFaults(labOf("fleet-b"), { "node-0001": "neverSynced" });
    const ended = await project.fleet("restart", "--token", "kernel-6");
    const { exitCode, output } = ended;
    assert.equal(exitCode, 1);
    assert.deepEqual(begun(ended), ["fleet-a", "fleet-b", "fleet-canary"], output);
    assert.match(output, /^fleet-canary: done after \d+s, 2 of 2 nodes proved$/m);
    assert.match(output, /^fleet-b: FAILED after \d+s, 1 of 2 nodes proved$/m);
    assert.match(output, /^HALTED at wave first: more clusters have failed than it allows/m);
    assert.deepEqual(await tokens(), ["kernel-6", "kernel-6", "kernel-6", "initial", "initial"]);
  });

  test("the next run goes on with the one that failed, and leaves alone what is done", async () => {
    setFaults(labOf("fleet-b"), {});
    const before = await new Cluster(labOf(canary)).fingerprint();
    const page = join(project.folder, "page.html");
    const ended = await project.fleet("restart", "--token", "kernel-6", "--page", page);
    assert.equal(ended.exitCode, 0, ended.output);
    assert.deepEqual(begun(ended), ["fleet-b", "fleet-c", "fleet-d"]);
    assert.deepEqual(await tokens(), Array(5).fill("kernel-6"));
    assert.deepEqual(await new Cluster(labOf(canary)).fingerprint(), before);
    const links = [...readFileSync(page, "utf8").matchAll(/<a href="([^"]+)">report/g)];
    assert.equal(links.length, 5);
    for (const [, href = ""] of links) {
      assert.match(
        readFileSync(join(project.folder, decodeURIComponent(href)), "utf8"),
        /<h1>.* of kube-proxy<\/h1>/,
      );
    }
  });

  test("a cluster that does not answer is named, and nothing of it is touched", async () => {
    await down("fleet-d");
    project.setFleet({ unreachable: "skip", waves: [{ name: "two", stacks: ["fleet-d", "fleet-c"] }] });
    const { exitCode, output } = await project.fleet("restart", "--token", "kernel-7");
    assert.equal(exitCode, 1);
    assert.match(output, /^fleet-d: DOES NOT ANSWER, nothing was changed/m);
    assert.match(output, /^fleet-c: done/m);
  });
});
