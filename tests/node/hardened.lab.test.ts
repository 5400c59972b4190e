/** A hardened kube-proxy on real nodes: which rights it has there, and that no connection is lost on the way there and back. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { nodeCommand } from "../../lab/index.ts";
import { images } from "../../lab/real/build.ts";
import { runOrFail } from "../../lab/tools.ts";
import { changesOf } from "../e2e/scenario.ts";
import { killKubeProxy } from "./measure.ts";
import { kept, node, useNodes } from "./nodes.ts";
import { skip } from "./requirements.ts";

/** Bits of the kernel's `CapEff`. Source: include/uapi/linux/capability.h. */
const [netAdmin, netRaw] = [1 << 12, 1 << 13];
const rights = { nftables: netAdmin, iptables: netAdmin | netRaw };

suite("a hardened kube-proxy", { skip, concurrency: 1 }, () => {
  const nodes = useNodes("hardened", "nftables");

  /** What the kernel says of the node's kube-proxy. */
  async function ofProcess() {
    const read = async (file: string) => {
      const script = `set -- $(pidof kube-proxy); cat /proc/$1/${file}`;
      return await runOrFail(nodeCommand(nodes.lab, node, ["sh", "-c", script]));
    };
    const status = await read("status");
    const field = (name: string) => new RegExp(`^${name}:\\s+(\\w+)$`, "m").exec(status)?.[1] ?? "";
    const [root = ""] = (await read("mountinfo")).split("\n").filter((line) => line.split(" ")[4] === "/");
    return {
      capabilities: parseInt(field("CapEff"), 16),
      canGain: field("NoNewPrivs") !== "1",
      isFiltered: field("Seccomp") === "2",
      isReadOnly: root.split(" ")[5]?.split(",").includes("ro"),
    };
  }
  const restricted = (mode: keyof typeof rights) => ({
    ...{ capabilities: rights[mode], canGain: false, isFiltered: true, isReadOnly: true },
  });

  test("is made of one that is not, and has the fewest rights", async (t) => {
    await nodes.scenario.up();
    assert.ok((await ofProcess()).capabilities > rights.iptables, "as kubeadm makes it, it has all");
    const old = await nodes.pods();
    await nodes.losesNothing(t, () => nodes.scenario.up({ hardened: true }));
    assert.deepEqual(kept(old, await nodes.pods()), []);
    assert.deepEqual(await ofProcess(), restricted("nftables"));
    assert.deepEqual(changesOf(await nodes.scenario.stack.preview()), []);
  });

  for (const restartStrategy of ["Rolling", "Recreate"]) {
    test(`goes through a ${restartStrategy} restart`, async (t) => {
      await nodes.scenario.up({ restartStrategy });
      const old = await nodes.pods();
      await nodes.losesNothing(t, () => nodes.scenario.up({ restart: restartStrategy }));
      assert.deepEqual(kept(old, await nodes.pods()), []);
    });
  }

  test("is killed", async (t) => {
    await nodes.losesNothing(t, () => killKubeProxy(nodes.lab, node));
  });

  test("switches its mode and back, its helpers hardened, too", async (t) => {
    await nodes.switchTo(t, "iptables");
    assert.deepEqual(await ofProcess(), restricted("iptables"));
    await nodes.switchTo(t, "nftables");
    assert.deepEqual(await ofProcess(), restricted("nftables"));
  });

  test("has all rights again when it is not any more", async (t) => {
    await nodes.losesNothing(t, () => nodes.scenario.up({ hardened: false }));
    assert.ok((await ofProcess()).capabilities > rights.iptables);
    assert.deepEqual(changesOf(await nodes.scenario.stack.preview()), []);
  });

  test("has what the legacy tables of iptables take", async () => {
    const configuration = nodes.configurationOf("iptables");
    await nodes.scenario.up({ hardened: true, configuration, image: images.legacyIptables });
    assert.deepEqual(await ofProcess(), restricted("iptables"));
  });
});
