/** Of each advisory: where it comes from, what has it, and what on either side of that has not. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { advisories, advisoryOf } from "../../components/advisories/advisories.ts";
import { holds, holdsOn, isOfNodes, type Machine, type Running } from "../../components/advisories/match.ts";
import { type Advisory, Preflight, Validate } from "../../components/advisories/types.ts";
import { minors } from "../../components/kubeadm/minors.ts";
import { parseVersion } from "../../components/kubeadm/version.ts";

/** What a kube-proxy of a version has to be for a row to hold, but for the node. */
function fitting(row: Advisory, version: string): Running {
  return {
    version: `v${version}`,
    mode: row.modes?.[0] ?? "iptables",
    detectLocalMode: row.detectLocalModes?.[0],
    image: row.foreignImage ? `example.com/kube-proxy:v${version}` : `registry.k8s.io/kube-proxy:v${version}`,
  };
}

const sides = {
  before: (version: string) => {
    const [, minor = 0, patch = 0] = version.split(".").map(Number);
    return patch > 0 ? `1.${minor}.${patch - 1}` : `1.${minor - 1}.99`;
  },
  after: (version: string) => {
    const [, minor = 0, patch = 0] = version.split(".").map(Number);
    return `1.${minor}.${patch + 1}`;
  },
};

/** A machine that a row is about. */
function machineFor({ kernels, osImages }: Advisory): Machine {
  const [system] = osImages ?? [];
  return {
    kernel: `${kernels?.since ?? "6.12"}.0-1-amd64`,
    osImage: system === undefined ? "" : `${system.name} ${system.since ?? "1.54.0"} (name)`,
  };
}

suite("each advisory", () => {
  test("has a name of its own, which is one of letters and dashes", () => {
    const names = advisories.map(({ name }) => name);
    assert.deepEqual(names, [...new Set(names)]);
    for (const name of names) assert.match(name, /^[a-z]+(-[a-z]+)*$/);
  });

  for (const row of advisories) {
    suite(row.name, () => {
      test("has sources, a date, what happens and what to do, as parts of a sentence", () => {
        assert.ok(row.sources.length > 0);
        for (const source of row.sources) {
          assert.match(source, /^https:\/\/github\.com\/[\w-]+\/[\w-]+\/(issues\/\d+|pull\/\d+|blob\/v\S+)$/);
        }
        assert.match(row.date, /^1\.\d\d(\.\d+)? \([A-Z][a-z]+ 20\d\d\)/);
        for (const part of [row.what, row.remedy]) assert.match(part, /^\S.*[^.;\s]$/);
      });

      test("is told somewhere", () => {
        assert.ok(
          row.preflight !== Preflight.never || row.validate !== Validate.never || row.doctor,
          "nobody is told",
        );
      });

      test("is told by validate only where a file tells all that it takes", () => {
        const isOfMore = isOfNodes(row) || row.foreignImage === true || row.setsConntrackLimit === true;
        assert.ok(row.validate === Validate.never || !isOfMore);
      });

      test("has a range of versions that there are, ascending", () => {
        const bounds = [row.versions.since, ...row.versions.fixed];
        const numbers = bounds.flatMap((bound) => parseVersion(`v${bound}`) ?? []);
        assert.equal(numbers.length, bounds.length);
        const order = numbers.map(({ minor, patch }) => minor.minor * 1000 + patch);
        assert.deepEqual(
          order,
          [...new Set(order)].sort((a, b) => a - b),
        );
        const own = row.versions.fixed.map((fixed) => fixed.split(".")[1]);
        assert.deepEqual(own, [...new Set(own)], "a minor is mended once");
      });

      test("holds from its first version on, and not before", () => {
        const { since } = row.versions;
        assert.ok(holds(row, fitting(row, since)));
        assert.ok(holds(row, fitting(row, sides.after(since))));
        assert.ok(!holds(row, fitting(row, sides.before(since))));
      });

      for (const fixed of row.versions.fixed) {
        test(`holds just before ${fixed}, and not from there on`, () => {
          assert.ok(holds(row, fitting(row, sides.before(fixed))));
          assert.ok(!holds(row, fitting(row, fixed)));
          assert.ok(!holds(row, fitting(row, sides.after(fixed))));
        });
      }

      test("holds in the minors after the last one that is mended only where none is", () => {
        const newest = minors.at(-1)?.minor ?? 0;
        const next = holds(row, fitting(row, `1.${newest + 1}.0`));
        assert.equal(next, row.versions.fixed.length === 0);
      });

      test("holds in its modes alone", () => {
        const within = row.versions.since;
        for (const mode of ["", "iptables", "ipvs", "nftables"]) {
          const wanted =
            row.modes === undefined || row.modes.includes(mode) || row.modes.includes(mode || "iptables");
          assert.equal(holds(row, { ...fitting(row, within), mode }), wanted, mode);
        }
      });

      test("holds on its nodes alone", () => {
        const machine = machineFor(row);
        assert.ok(holdsOn(row, machine));
        assert.equal(holdsOn(row, undefined), !isOfNodes(row));
        assert.equal(holdsOn(row, { ...machine, osImage: "Flatcar" }), row.osImages === undefined);
        const { since, below } = row.kernels ?? {};
        if (since !== undefined) assert.ok(!holdsOn(row, { ...machine, kernel: "3.10.0-957.el7.x86_64" }));
        if (below !== undefined) {
          assert.ok(!holdsOn(row, { ...machine, kernel: `${below}.0` }));
          assert.ok(
            holdsOn(row, { ...machine, kernel: `${below.replace(/\d+$/, (n) => `${Number(n) - 1}`)}.99` }),
          );
        }
        assert.equal(holdsOn(row, { ...machine, kernel: "unknown" }), row.kernels === undefined);
      });
    });
  }

  test("that does not exist is said to", () => {
    assert.throws(() => advisoryOf("nft-older"), /there is no advisory nft-older/);
  });
});

suite("a fault of some minors", () => {
  const cases: Readonly<Record<string, { has: readonly string[]; hasNot: readonly string[] }>> = {
    "nft-newer-than-image": {
      has: ["1.29.0", "1.33.13", "1.34.9", "1.35.6", "1.36.0", "1.36.2", "1.36.0-eksbuild.9"],
      hasNot: ["1.28.15", "1.34.10", "1.34.12", "1.35.8", "1.36.3", "1.36.5", "1.37.0", "1.37.2"],
    },
    "nftables-interface-names": {
      has: ["1.32.13", "1.33.5", "1.34.1"],
      hasNot: ["1.33.6", "1.34.2", "1.35.0", "1.37.2"],
    },
    "nftables-slow-restart": { has: ["1.31.14", "1.32.13"], hasNot: ["1.33.0", "1.37.2"] },
    "udp-flows-cut": { has: ["1.15.0", "1.31.14"], hasNot: ["1.32.0", "1.37.2"] },
    "udp-cleanup-load": { has: ["1.32.0", "1.32.2"], hasNot: ["1.31.14", "1.32.3", "1.33.0"] },
    "udp-without-endpoints": {
      has: ["1.32.3", "1.33.13", "1.34.12", "1.35.8", "1.36.5"],
      hasNot: ["1.31.14", "1.32.2", "1.37.0"],
    },
    "conntrack-limit-capped": {
      has: ["1.36.0", "1.36.5", "1.37.0", "1.37.1"],
      hasNot: ["1.35.8", "1.37.2"],
    },
    "ipvs-rules-unchecked": {
      has: ["1.34.0", "1.34.3", "1.35.0"],
      hasNot: ["1.33.13", "1.34.4", "1.35.1", "1.36.0"],
    },
    "ipvs-deprecated": { has: ["1.35.0", "1.37.2"], hasNot: ["1.34.12"] },
  };
  for (const [name, { has, hasNot }] of Object.entries(cases)) {
    test(name, () => {
      const row = advisoryOf(name);
      for (const version of has) assert.ok(holds(row, fitting(row, version)), version);
      for (const version of hasNot) assert.ok(!holds(row, fitting(row, version)), version);
    });
  }

  test("is none of what is no version", () => {
    const row = advisoryOf("ipvs-deprecated");
    for (const version of ["", "1.37", "latest", "sha256:1.37.2", "37", "v.1.37.2"]) {
      assert.ok(!holds(row, { version, mode: "ipvs" }), version);
    }
  });
});

suite("a fault of some nodes", () => {
  const on = (name: string, machine: Partial<Machine>) =>
    holdsOn(advisoryOf(name), { kernel: "6.12.0-amd64", osImage: "", ...machine });

  test("by their system", () => {
    const has = [
      "Debian GNU/Linux 13 (trixie)",
      "Debian GNU/Linux 14",
      "Fedora Linux 43 (Server Edition)",
      "AlmaLinux 10.1 (Heliotrope Lion)",
      "Red Hat Enterprise Linux 11.0 (X)",
      "Rocky Linux 10.1 (Red Quartz)",
      "Ubuntu 26.04 LTS",
      "Ubuntu 26.04.1 LTS",
      "Bottlerocket OS 1.54.0 (aws-k8s-1.34)",
    ];
    const hasNot = [
      "",
      "Debian GNU/Linux 12 (bookworm)",
      "Debian GNU/Linux trixie/sid",
      "Fedora Linux 42 (Server Edition)",
      "AlmaLinux 9.6 (Sage Margay)",
      "AlmaLinux 10.0 (Purple Lion)",
      "Ubuntu 24.04.3 LTS",
      "Ubuntu Resolute Raccoon (development branch)",
      "My Debian GNU/Linux 13",
      "Debian GNU/Linux13",
      "kwok (no operating system)",
    ];
    for (const osImage of has) assert.ok(on("nft-newer-than-image", { osImage }), osImage);
    for (const osImage of hasNot) assert.ok(!on("nft-newer-than-image", { osImage }), osImage);
  });

  test("by their kernel", () => {
    for (const kernel of ["4.1.0", "4.18.0-553.el8_10.x86_64", "5.4.0-216-generic", "5.8.18"]) {
      assert.ok(on("ipvs-connection-reuse", { kernel }), kernel);
    }
    for (const kernel of ["3.10.0-957.el7.x86_64", "5.9.0", "5.10.0-21-amd64", "6.12.0", "", "linux"]) {
      assert.ok(!on("ipvs-connection-reuse", { kernel }), kernel);
    }
  });

  test("whatever a kubelet says of itself, and at once", () => {
    const started = performance.now();
    for (const long of [
      "9".repeat(5_000_000),
      "1.".repeat(5_000_000),
      "Ubuntu ".repeat(1_000_000),
      "\u001b[2K\r",
    ]) {
      for (const row of advisories) holdsOn(row, { kernel: long, osImage: `Ubuntu ${long}` });
    }
    assert.ok(performance.now() - started < 2_000);
    assert.ok(!on("ipvs-connection-reuse", { kernel: "9".repeat(400) }));
  });
});

suite("what is not for the version", () => {
  test("the mode: left out, it is iptables", () => {
    const row = { ...advisoryOf("ipvs-deprecated"), modes: ["iptables"] };
    const has = (mode: string) => holds(row, { version: "v1.37.2", mode });
    assert.deepEqual(["", "iptables", "ipvs", "nftables"].map(has), [true, true, false, false]);
    const unset = (mode: string) => holds(advisoryOf("mode-unset"), { version: "v1.37.2", mode });
    assert.deepEqual(["", "iptables"].map(unset), [true, false]);
  });

  const holdsWith = (name: string, version: string, running: Partial<Running>) =>
    holds(advisoryOf(name), { version, mode: "nftables", ...running });

  test("detectLocalMode", () => {
    const has = (detectLocalMode?: string) =>
      holdsWith("nftables-interface-names", "v1.34.1", { detectLocalMode });
    assert.deepEqual(
      [undefined, "", "ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix"].map(has),
      [false, false, false, false, true, true],
    );
  });

  test("the limit of connections", () => {
    const has = (maxPerCore?: unknown) => holdsWith("conntrack-limit-capped", "v1.37.1", { maxPerCore });
    assert.deepEqual([undefined, 32768, null, 0].map(has), [true, true, true, false]);
  });

  test("the image", () => {
    const has = (image?: string) => holdsWith("image-without-protocols", "v1.37.2", { image });
    const own = ["registry.k8s.io/kube-proxy:v1.37.2", "registry.k8s.io/kube-proxy@sha256:0", undefined];
    const others = ["example.com/kube-proxy:v1.37.2", "registry.k8s.io.example.com/kube-proxy:v1.37.2"];
    assert.deepEqual([own.map(has), others.map(has)], [own.map(() => false), others.map(() => true)]);
  });
});

test("nothing is known of kube-proxy 1.37.2 in mode iptables, and in mode nftables only how its first start is", () => {
  const known = (mode: string) =>
    advisories
      .filter((row) => holds(row, { version: "v1.37.2", mode }))
      .filter((row) => holdsOn(row, { kernel: "6.12.0-amd64", osImage: "Debian GNU/Linux 13 (trixie)" }))
      .map(({ name }) => name);
  assert.deepEqual(known("iptables"), []);
  assert.deepEqual(known("nftables"), ["nftables-slow-start"]);
});
