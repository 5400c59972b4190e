/** On real nodes: where the registry is slow, no node waits for it without a kube-proxy; where it is silent, none is touched. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { afterEach, before, suite, test } from "node:test";
import { images } from "../../lab/real/build.ts";
import { kept, useNodes } from "./nodes.ts";
import { servedImage, startRegistry } from "./registry.ts";
import { skip } from "./requirements.ts";

/** Until each answer; a pull takes two. */
const delayMs = 2000;

suite("an image from a registry that is slow", { skip, concurrency: 1 }, () => {
  const nodes = useNodes("pull", "nftables");
  const registries: ChildProcess[] = [];
  const serve = async (delay: number) => {
    for (const node of nodes.lab.realNodes) {
      registries.push(await startRegistry(nodes.lab, node, { image: images.kubeProxy, delayMs: delay }));
    }
  };
  before(async () => {
    await nodes.scenario.up();
  });
  afterEach(async () => {
    await Promise.all(
      registries.splice(0).map(async (child) => {
        const ended = new Promise((resolve) => child.once("exit", resolve));
        child.kill();
        await ended;
      }),
    );
  });

  /** What the kubelets said of the image of the kube-proxies that run now, a line each. */
  async function sayings(): Promise<string[]> {
    const pods = new Set((await nodes.scenario.cluster.pods()).map(({ metadata }) => metadata.name));
    const events = await nodes.scenario.cluster.kubectl([
      ...["get", "events", "--field-selector=reason=Pulled"],
      "-o=jsonpath={range .items[*]}{.involvedObject.name} {.message}{'\\n'}{end}",
    ]);
    return events.split("\n").filter((line) => pods.has(line.split(" ")[0] ?? ""));
  }

  test("is waited for by each node without a kube-proxy, as kubeadm's DaemonSet has it", async () => {
    await serve(delayMs);
    await nodes.scenario.up({ image: servedImage("kube-proxy:one") });
    const told = await sayings();
    assert.equal(told.length, 2, told.join("\n"));
    for (const line of told) {
      const seconds = Number(/Successfully pulled image .* in (\d+(?:\.\d+)?)s /.exec(line)?.[1]);
      assert.ok(seconds >= delayMs / 1000, line);
    }
  });

  test("is there already with prePull", async (t) => {
    await serve(delayMs);
    const old = await nodes.pods();
    await nodes.losesNothing(t, () =>
      nodes.scenario.up({ prePull: true, image: servedImage("kube-proxy:two") }),
    );
    assert.deepEqual(kept(old, await nodes.pods()), []);
    const told = await sayings();
    assert.equal(told.length, 2, told.join("\n"));
    for (const line of told) assert.match(line, /already present on machine/);
  });

  test("that never answers ends the update before anything is touched", async (t) => {
    await serve(Infinity);
    const old = await nodes.pods();
    await nodes.losesNothing(t, async () => {
      const config = { image: servedImage("kube-proxy:three"), timeouts: { verify: "10s" } };
      await nodes.scenario.stack.setConfig({ prePull: true, ...config });
      const { ok, output } = await nodes.scenario.stack.up();
      assert.ok(!ok, output);
      assert.match(output, /image on real-1: /);
    });
    assert.deepEqual((await nodes.pods()).sort(), old.sort());
  });
});
