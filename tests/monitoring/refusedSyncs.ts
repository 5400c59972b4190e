/** A fault that stops the syncs of a real node: somebody else owns kube-proxy's table, so that nft refuses every one. */
import { spawn } from "node:child_process";
import { kubectl, type Lab, nodeCommand } from "../../lab/index.ts";
import { run } from "../../lab/tools.ts";

const owned = "delete table ip kube-proxy\nadd table ip kube-proxy { flags owner; }\n";

/**
 * Plants it on a node with mode nftables, and asks every node for a sync.
 *
 * @param service - a name for the Service that is made, which nobody else has
 * @returns what mends it, and asks for one more
 */
export async function refuseSyncs(lab: Lab, node: string, service: string): Promise<() => Promise<void>> {
  const { file, args, env } = nodeCommand(lab, node, ["nft", "-i"]);
  const child = spawn(file, args, { env, stdio: ["pipe", "ignore", "ignore"] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const release = async (): Promise<void> => {
    child.stdin.end();
    await ended;
  };
  try {
    child.stdin.write(owned);
    await isOwned(lab, node);
    await change(lab, ["create", "service", "clusterip", service, "--tcp=80"]);
  } catch (error) {
    await release();
    throw error;
  }
  return async () => {
    await release();
    await change(lab, ["delete", "service", service]);
  };
}

async function change(lab: Lab, args: readonly string[]): Promise<void> {
  const { code, stderr } = await kubectl(lab, args);
  if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
}

async function isOwned(lab: Lab, node: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  const listed = nodeCommand(lab, node, ["nft", "list", "table", "ip", "kube-proxy"]);
  while (!/flags .*owner/.test((await run(listed)).stdout)) {
    if (Date.now() > deadline) throw new Error(`${node}: nft does not own kube-proxy's table after 30 s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
