/** Real nodes whose kube-proxies are changed while connections to Services are watched. */
import assert from "node:assert/strict";
import { before, type TestContext } from "node:test";
import { type Mode, nodeCommand } from "../../lab/index.ts";
import { runOrFail } from "../../lab/tools.ts";
import type { Scenario } from "../e2e/scenario.ts";
import { useLab } from "../e2e/useLab.ts";
import { measure as measureOn } from "./measure.ts";
import { failures } from "./probe.ts";
import { deployResponders, targetsOf, type Targets } from "./responder.ts";

/** The node at whose addresses NodePorts are asked. */
export const node = "real-1";
const other = "real-2";

/** The pods, by UID, that are still there. */
export const kept = (old: readonly string[], now: readonly string[]): string[] =>
  old.filter((uid) => now.includes(uid));

/**
 * The nodes of one lab, whose kube-proxies start in a mode.
 *
 * @param name - of the lab; no other one in this process has it
 */
export function useNodes(name: string, firstMode: Mode) {
  const lab = useLab({ name: `t${process.pid}-${name}`, realNodes: 2 });
  const configurationOf = (mode: Mode) => ({ mode, conntrack: { maxPerCore: 0 } });
  let scenario: Scenario;
  let targets: Targets;
  before(async () => {
    scenario = await lab.open({ podSubnet: lab.lab.podSubnet, configuration: configurationOf(firstMode) });
    await deployResponders(lab.lab, other);
    targets = await targetsOf(lab.lab, "responder", node);
  });

  const measure = (work: () => Promise<unknown>, asked = targets) =>
    measureOn(lab.lab, { node, targets: asked }, work);

  /** Work during which no connection may fail and none may break. */
  async function losesNothing(t: TestContext, work: () => Promise<unknown>): Promise<void> {
    const { began, ended, attempts } = await measure(work);
    t.diagnostic(`${attempts.length} attempts, of which none may fail, in ${(ended - began) / 1000} s`);
    assert.deepEqual(failures(attempts), []);
  }

  const pods = async () => (await scenario.cluster.pods()).map(({ metadata }) => metadata.uid);

  /** The rules that kube-proxy makes in another mode, on any node. KUBE-FIREWALL is the kubelet's, too. */
  async function rulesOfOthers(mode: Mode): Promise<string[]> {
    const left: string[] = [];
    for (const name of lab.lab.realNodes) {
      const list = async (...command: string[]) =>
        (await runOrFail(nodeCommand(lab.lab, name, command))).split("\n");
      const tables = mode === "nftables" ? [] : await list("nft", "list", "tables");
      const rules =
        mode === "nftables" ? [...(await list("iptables-save")), ...(await list("ip6tables-save"))] : [];
      left.push(...tables.filter((table) => table.endsWith(" kube-proxy")));
      left.push(...rules.filter((rule) => /KUBE-(?!FIREWALL|KUBELET)/.test(rule)));
    }
    return left;
  }

  async function switchTo(t: TestContext, mode: Mode): Promise<void> {
    const old = await pods();
    await losesNothing(t, () => scenario.up({ configuration: configurationOf(mode) }));
    assert.deepEqual(kept(old, await pods()), []);
    assert.deepEqual(await rulesOfOthers(mode), [], `rules of another mode than ${mode}`);
    assert.equal(
      await scenario.cluster.kubectl(["get", "pods", "-l", "kube-proxy/helper", "-o", "name"]),
      "",
    );
  }

  return {
    get lab() {
      return lab.lab;
    },
    get scenario() {
      return scenario;
    },
    open: (config: Record<string, unknown>) => lab.open(config),
    ...{ mode: firstMode, configurationOf, measure, losesNothing, pods, switchTo },
  };
}

/** What {@link useNodes} gives. */
export type Nodes = ReturnType<typeof useNodes>;
