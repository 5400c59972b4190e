/** Which versions, modes and machines the checks tell of, in the lab: faults that are known, and what does not go together. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { meanwhile } from "./objects.ts";

type Config = Record<string, unknown>;

/** What the tests of the checks before an update have. */
export interface Tools {
  /** The preview with a config: how it ends, and what is printed. */
  readonly preview: (config: Config) => Promise<{ ok: boolean; output: string }>;
  /** One in which exactly these checks say something. */
  readonly fires: (expected: readonly string[], config?: Config) => Promise<unknown>;
  /** The same, and it is refused. */
  readonly refused: (expected: readonly string[], config?: Config) => Promise<string>;
  /** Writes what the kubelet of node-0001 says of itself. */
  readonly setSystem: (info: Record<string, string>) => Promise<unknown>;
  /** What it says otherwise. */
  readonly system: Readonly<Record<string, string>>;
}

const nftables = { configuration: { mode: "nftables" } };
const ipvs = { configuration: { mode: "ipvs" } };

/** On a cluster without a kube-proxy. */
export function testVersions({ preview, fires, refused, setSystem, system }: Tools): void {
  const onNode = (info: Record<string, string>, use: () => Promise<unknown>) =>
    meanwhile(
      () => setSystem({ ...system, ...info }),
      use,
      () => setSystem(system),
    );

  test("versions, kernels and machines", async () => {
    await refused(["api-server-version", "kubelet-version"], { kubernetesVersion: "v1.33.0" });
    await fires(["ipvs-deprecated"], ipvs);
    await onNode({ kernelVersion: "5.10.0", operatingSystem: "windows", architecture: "riscv64" }, () =>
      refused(["nftables-kernel", "node-os", "node-architecture"], nftables),
    );
  });

  test("known faults of a version, in a mode, on a kernel and a system", async () => {
    const interfaces = { detectLocalMode: "BridgeInterface", detectLocal: { bridgeInterface: "br0" } };
    await refused(["nftables-interface-names"], {
      kubernetesVersion: "v1.34.1",
      configuration: { mode: "nftables", ...interfaces },
    });
    await fires(["ipvs-rules-unchecked"], { kubernetesVersion: "v1.34.3", ...ipvs });
    await onNode({ kernelVersion: "5.4.0" }, () => fires(["ipvs-connection-reuse", "ipvs-deprecated"], ipvs));
    const old = { kubernetesVersion: "v1.36.2", ...nftables };
    await fires([], old);
    await onNode({ osImage: "Debian GNU/Linux 13 (trixie)" }, async () => {
      const output = await refused(["nft-newer-than-image"], old);
      assert.match(output, /nft-newer-than-image: Node node-0001: the host's nft is 1\.1\.3 or newer, /);
      await fires([], { ...old, kubernetesVersion: "v1.36.3" });
      const ignorePreflightErrors = { "nft-newer-than-image": "no other sets there" };
      const ignored = await preview({ ...old, ignorePreflightErrors });
      assert.ok(ignored.ok, ignored.output);
      assert.match(ignored.output, /nft-newer-than-image: ignored \(no other sets there\): Node node-0001: /);
    });
  });
}

/** On one that has kube-proxy 1.37.2 in mode iptables. */
export function testFaultsOnTheWay({ fires, refused }: Tools): void {
  test("known faults that an update goes into, or meets when it replaces pods", async () => {
    const skew = ["api-server-version", "kubelet-version"];
    await fires(["nftables-slow-start"], nftables);
    await fires(["nftables-slow-start", "image-without-protocols"], {
      ...nftables,
      image: "example.com/kube-proxy:v1.37.2",
    });
    await fires(["conntrack-limit-capped"], { kubernetesVersion: "v1.37.1" });
    await refused([...skew, "udp-cleanup-load"], { kubernetesVersion: "v1.32.2" });
    await refused([...skew, "udp-flows-cut", "nftables-slow-restart", "nftables-slow-start"], {
      ...nftables,
      kubernetesVersion: "v1.31.14",
    });
  });
}
