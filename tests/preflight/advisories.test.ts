import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { applied, findings, nodes, restart, system, testCases, well, withFirst } from "./fixtures.ts";

const mode = (name: string) => ({ configuration: { mode: name } });
const at = (version: string) => ({ kubernetesVersion: version });
const [trixie, bookworm] = ["Debian GNU/Linux 13 (trixie)", "Debian GNU/Linux 12 (bookworm)"];
const withTrixie = { nodes: withFirst(system({ osImage: trixie })) };
const nftables = { ...mode("nftables"), ...at("v1.36.2") };
const prefix = (version: string, detectLocalMode = "InterfaceNamePrefix") => ({
  ...at(version),
  configuration: {
    mode: "nftables",
    detectLocalMode,
    detectLocal: { interfaceNamePrefix: "veth", bridgeInterface: "br0" },
  },
});

suite("advisories before an up", () => {
  testCases({
    "nft-newer-than-image": {
      fires: [
        [
          /^error .*: Node node-1: the host's nft is 1\.1\.3 or newer, .*issues\/136786\)$/,
          nftables,
          withTrixie,
        ],
        [/^error /, nftables, applied(at("v1.36.2"), withTrixie)],
        [/^error /, nftables, applied({ ...mode("nftables"), ...at("v1.36.3") }, withTrixie)],
        [/^warning /, nftables, applied(nftables, withTrixie)],
        [/^warning /, { ...nftables, ...restart }, applied(nftables, withTrixie)],
        [/^warning /, { ...nftables, pools: [{ name: "all" }] }, applied(nftables, withTrixie)],
        [
          /Nodes node-1, node-2, node-3, node-4, node-5, 2 more: /,
          nftables,
          { nodes: nodes(7, system({ osImage: trixie })) },
        ],
        [
          /^error /,
          { ...nftables, image: `example.com/kube-proxy@sha256:${"0".repeat(64)}` },
          applied(at("v1.36.2"), withTrixie),
        ],
        [
          /^warning /,
          { ...nftables, ...restart, image: `example.com/kube-proxy@sha256:${"0".repeat(64)}` },
          applied({ ...nftables, image: `example.com/kube-proxy@sha256:${"0".repeat(64)}` }, withTrixie),
        ],
        [
          /^error .*: Node node-1: /,
          {
            ...at("v1.36.2"),
            pools: [{ name: "canary", nodeSelector: { disk: "ssd" }, ...mode("nftables") }, { name: "rest" }],
          },
          applied(at("v1.36.2"), {
            nodes: withFirst({
              ...system({ osImage: trixie }),
              labels: { "kubernetes.io/os": "linux", disk: "ssd" },
            }),
          }),
        ],
      ],
      silent: [
        [{ ...nftables, ...at("v1.36.3") }, withTrixie],
        [nftables, { nodes: withFirst(system({ osImage: bookworm })) }],
        [nftables, well],
        [at("v1.36.2"), withTrixie],
        [{ ...nftables, nodeSelector: { disk: "ssd" } }, withTrixie],
      ],
    },
    "nftables-interface-names": {
      fires: [
        [/^error .*: DaemonSet kube-proxy: detectLocalMode /, prefix("v1.34.1"), {}],
        [/^error /, prefix("v1.33.5", "BridgeInterface"), applied(at("v1.33.5"))],
        [/^warning /, { ...prefix("v1.34.1"), ...restart }, applied(prefix("v1.34.1"))],
      ],
      silent: [
        [prefix("v1.34.2"), {}],
        [prefix("v1.34.1", "NodeCIDR"), {}],
      ],
    },
    "image-without-protocols": {
      fires: [
        [/^warning .*netbase/, { ...mode("nftables"), image: "example.com/kube-proxy:v1.37.2" }, applied()],
        [/^warning /, { ...mode("nftables"), imageRepository: "example.com" }, applied()],
      ],
      silent: [
        [mode("nftables"), applied()],
        [{ image: "example.com/kube-proxy:v1.37.2" }, applied()],
        [
          { ...mode("nftables"), imageRepository: "example.com", ...restart },
          applied({ ...mode("nftables"), imageRepository: "example.com" }),
        ],
        [{ ...mode("nftables"), imageRepository: "example.com" }, well],
      ],
    },
    "nftables-slow-restart": {
      fires: [
        [
          /^warning .*ten thousand/,
          { ...mode("nftables"), ...at("v1.32.13"), ...restart },
          applied({ ...mode("nftables"), ...at("v1.32.13") }),
        ],
      ],
      silent: [
        [{ ...mode("nftables"), ...at("v1.32.13") }, applied({ ...mode("nftables"), ...at("v1.32.13") })],
        [
          { ...mode("nftables"), ...at("v1.33.0"), ...restart },
          applied({ ...mode("nftables"), ...at("v1.33.0") }),
        ],
      ],
    },
    "nftables-slow-start": {
      fires: [[/^warning .*try one pool first/, mode("nftables"), applied()]],
      silent: [
        [mode("nftables"), well],
        [{ ...mode("nftables"), ...restart }, applied(mode("nftables"))],
        [mode("iptables"), applied(mode("nftables"))],
      ],
    },
    "udp-flows-cut": {
      fires: [[/^warning .*UDP flows/, { ...at("v1.31.14"), ...restart }, applied(at("v1.31.14"))]],
      silent: [
        [at("v1.31.14"), applied(at("v1.31.14"))],
        [at("v1.31.14"), well],
        [{ ...at("v1.32.0"), ...restart }, applied(at("v1.32.0"))],
      ],
    },
    "udp-cleanup-load": {
      fires: [[/^warning .*1\.32\.3/, at("v1.32.2"), applied(at("v1.32.2"))]],
      silent: [[at("v1.32.3"), applied(at("v1.32.3"))]],
    },
    "conntrack-limit-capped": {
      fires: [
        [/^warning .*maxPerCore 0/, at("v1.36.5"), applied(at("v1.35.8"))],
        [/^warning /, at("v1.37.1"), applied(at("v1.35.8"))],
      ],
      silent: [
        [at("v1.37.2"), applied(at("v1.35.8"))],
        [at("v1.37.1"), applied(at("v1.36.5"))],
        [at("v1.37.1"), well],
        [
          { ...at("v1.37.1"), configuration: { conntrack: { maxPerCore: 0 } } },
          applied({ ...at("v1.35.8"), configuration: { conntrack: { maxPerCore: 0 } } }),
        ],
      ],
    },
    "ipvs-rules-unchecked": {
      fires: [
        [/^warning .*1\.35\.1/, { ...mode("ipvs"), ...at("v1.34.3") }, {}],
        [/^warning /, { ...mode("ipvs"), ...at("v1.35.0") }, {}],
      ],
      silent: [
        [{ ...mode("ipvs"), ...at("v1.34.4") }, {}],
        [{ ...mode("ipvs"), ...at("v1.35.1") }, {}],
        [at("v1.34.3"), {}],
      ],
    },
    "ipvs-connection-reuse": {
      fires: [
        [
          /^warning .*: Node node-1: in mode ipvs/,
          mode("ipvs"),
          { nodes: withFirst(system({ kernel: "5.8.18" })) },
        ],
      ],
      silent: [
        [mode("ipvs"), { nodes: withFirst(system({ kernel: "5.9.0" })) }],
        [{}, { nodes: withFirst(system({ kernel: "5.8.18" })) }],
      ],
    },
    "ipvs-deprecated": {
      fires: [[/^warning .*mode ipvs is deprecated: switched off by default in 1\.40/, mode("ipvs"), {}]],
      silent: [[{ ...mode("ipvs"), ...at("v1.34.0") }, {}]],
    },
  });

  test("say nothing of a modern cluster in mode nftables, and of the way there one thing", () => {
    const modern = { nodes: nodes(3, system({ osImage: trixie })) };
    assert.deepEqual(findings({ ...mode("nftables"), ...restart }, applied(mode("nftables"), modern)), []);
    const [found, ...more] = findings(mode("nftables"), applied({}, modern));
    assert.match(found ?? "", /^warning nftables-slow-start: /);
    assert.deepEqual(more, []);
  });
});
