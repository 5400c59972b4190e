/** Pure: what ipvs has on a node, as carried.sh tells it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What ipvs has on a node. */
export interface Carried {
  /** Virtual servers, those of others as well. */
  readonly servers: number;
  /** Whether kube-proxy's interface `kube-ipvs0` is there. */
  readonly hasDevice: boolean;
  /** Established connections that ipvs carries. */
  readonly connections: number;
  /** UDP flows that it remembers. */
  readonly flows: number;
  /** Connections of the node's own processes that have a Service's address as their source, whoever carries them. */
  readonly own: number;
  /** Whether such connections drain as others do: what is opened from now on has the node's own address. */
  readonly ownDrains: boolean;
  /** Whether what counted could remove some of the virtual servers, and leave others. */
  readonly canChoose: boolean;
  /** Virtual servers with such connections, ten at most, as `10.96.0.1:443`. */
  readonly at: readonly { readonly server: string; readonly connections: number }[];
}

/** The script that tells it. It writes where the kubelet reads what a container has said last: 4096 bytes at most. */
export const carriedScript = `exec >/dev/termination-log\n${readFileSync(join(import.meta.dirname, "carried.sh"), "utf8")}`;

/**
 * Reads what the script has told.
 *
 * @param message - of a container that has ended
 * @returns undefined where it is not that script's
 */
export function readCarried(message: string): Carried | undefined {
  const numbers = new Map<string, number>();
  const at: { server: string; connections: number }[] = [];
  for (const line of message.split("\n")) {
    const [, name = "", number] = /^(servers|device|connections|flows|own) (\d{1,9})$/.exec(line) ?? [];
    if (number !== undefined) numbers.set(name, Number(number));
    const [, address = "", port = "", count] =
      /^at [A-Z]{3,4} ([\dA-Fa-f:]{8,39}) ([\dA-F]{4}) (\d{1,9})$/.exec(line) ?? [];
    if (count !== undefined) {
      at.push({ server: `${addressOf(address)}:${parseInt(port, 16)}`, connections: Number(count) });
    }
  }
  const device = numbers.get("device");
  if (device === undefined) return undefined;
  const number = (name: string) => numbers.get(name) ?? 0;
  return {
    servers: number("servers"),
    hasDevice: device > 0,
    connections: number("connections"),
    flows: number("flows"),
    own: number("own"),
    ownDrains: /^ip$/m.test(message),
    canChoose: /^ipvsadm$/m.test(message),
    at,
  };
}

/** An address as people write it: `/proc/net/ip_vs_conn` has all digits of it. */
function addressOf(address: string): string {
  if (!address.includes(":")) {
    return (address.match(/../g) ?? []).map((byte) => parseInt(byte, 16)).join(".");
  }
  return URL.canParse(`http://[${address}]`) ? new URL(`http://[${address}]`).hostname : `[${address}]`;
}

/** Whether nothing breaks when ipvs goes. */
export function isDrained({ connections, own }: Carried): boolean {
  return connections === 0 && own === 0;
}

/** What breaks when ipvs goes, for people. */
export function describeCarried({ connections, flows, own, at }: Carried): string {
  const listed = at.map((one) => `${one.connections} to ${one.server}`);
  const rest = connections - at.reduce((sum, one) => sum + one.connections, 0);
  const where = listed.length === 0 ? "" : ` (${[...listed, ...(rest > 0 ? ["more"] : [])].join(", ")})`;
  return [
    `${counted(connections, "connection")}${where}`,
    ...(flows > 0 ? [counted(flows, "UDP flow")] : []),
    ...(own > 0 ? [`${counted(own, "connection")} of the node itself from a Service's address`] : []),
  ].join(", ");
}

function counted(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}
