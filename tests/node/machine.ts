/** A node with a kernel of its own: how Services are asked there, and what the modes of kube-proxy leave on it. */
import { type Lab, type Mode, nodeCommand } from "../../lab/index.ts";
import { run, runOrFail } from "../../lab/tools.ts";
import { eventually } from "../e2e/scenario.ts";
import { measure as measureOn, type Measured } from "./measure.ts";
import { type Attempt, failures, Probe } from "./probe.ts";
import type { Targets } from "./responder.ts";

/** Its name. */
export const node = "vm-1";

/** An emulated processor takes its time. */
const pace = { intervalMs: 3000, timeoutMs: 10_000 };

/** Waits until every address answers: in mode ipvs the rules come after the endpoints by half a minute there. */
export async function answering(lab: Lab, targets: Targets): Promise<void> {
  await eventually(
    "an answer of every address",
    async () => {
      const probe = await Probe.start(lab, node, targets, { ...pace, timeoutMs: 2000 });
      await probe.stop();
      return failures(probe.attempts).length === 0;
    },
    240,
  );
}

/** What became of connections, new ones and those that were there before, while some work was done. */
export async function measure(lab: Lab, targets: Targets, work: () => Promise<unknown>): Promise<Measured> {
  return await measureOn(lab, { node, targets, pace, ahead: 2, afterwards: 4 }, work);
}

/**
 * What a mode has left on the node, beside that kube-proxy runs in another one. Chains that several modes have in common
 * are nobody's.
 */
export async function leftOf(lab: Lab, mode: Mode): Promise<string[]> {
  const lines = async (...command: string[]) =>
    (await runOrFail(nodeCommand(lab, node, command))).split("\n").filter((line) => line !== "");
  const rules = async () => [...(await lines("iptables-save")), ...(await lines("ip6tables-save"))];
  switch (mode) {
    case "nftables":
      return (await lines("nft", "list", "tables")).filter((table) => table.endsWith(" kube-proxy"));
    case "iptables":
      return (await rules()).filter((rule) => /^:KUBE-(SVC|SVL|SEP|EXT|FW)-/.test(rule));
    case "ipvs": {
      const device = await run(nodeCommand(lab, node, ["ip", "link", "show", "kube-ipvs0"]));
      return [
        ...(device.code === 0 ? ["kube-ipvs0"] : []),
        ...(await lines("ipvsadm", "-Ln")).filter((line) => /^(TCP|UDP|SCTP) /.test(line)),
        ...(await lines("ipset", "list", "-n")),
        ...(await rules()).filter((rule) => /KUBE-(IPVS|NODE-PORT\b|LOAD-BALANCER|SOURCE-RANGES)/.test(rule)),
      ];
    }
  }
}

/** Whether an attempt was over a connection of the node itself that had a Service's IPv6 address as its source. */
export function isOwn({ from, target, flow }: Attempt): boolean {
  return from === "node" && flow === "kept" && target.startsWith("ClusterIP") && target.endsWith("IPv6");
}
