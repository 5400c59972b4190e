/** A node is rid of kube-proxy's virtual servers, and keeps those of others. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import fc from "fast-check";
import { addressPattern, clearServersScript } from "../../components/cluster/modeSwitch/clearServers.ts";
import { commandFolder } from "./commandFolder.ts";
import { isWithin } from "../../components/preflight/cidr.ts";

const folder = mkdtempSync(join(tmpdir(), "clear-servers-"));
after(() => {
  rmSync(folder, { recursive: true });
});

/** Virtual servers of kube-proxy, of keepalived at 192.0.2.0/27 and fd00:2::/64, and of a firewall mark. */
const servers = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A600001:01BB rr
  -> C6130001:192B      Masq    1      0          0
UDP  0A60000A:0035 rr
SCTP C000023F:0050 rr
TCP  C000021F:0050 wlc
TCP  [fd00:0010:0096:0000:0000:0000:0000:0001]:01BB rr
TCP  [fd00:0002:0000:0000:0000:0000:0000:0001]:0050 wlc
FWM  00000007 wlc
`;

/**
 * Runs the script on a node with these virtual servers.
 *
 * @param options.tools - which commands are there that remove something; each notes how it was called
 * @param options.failing - one that ends with exit code 2
 */
function clear(
  others: readonly string[],
  { tools = ["ip", "ipvsadm"], failing = "", content = servers, device = true } = {},
): { readonly code: number | null; readonly calls: string; readonly said: string } {
  const place = mkdtempSync(join(folder, "node-"));
  const bin = commandFolder(join(place, "bin"));
  for (const tool of tools) {
    const text = `#!/bin/sh\necho ${tool} "$@" >>${place}/calls\nexit ${tool === failing ? 2 : 0}\n`;
    writeFileSync(join(bin, tool), text, { mode: 0o700 });
  }
  if (content !== "") writeFileSync(join(place, "ip_vs"), content);
  writeFileSync(join(place, "dev"), device ? "    lo: 0\nkube-ipvs0: 0\n" : "    lo: 0\n");
  const script = clearServersScript.replaceAll("/proc/net", place);
  const env = { PATH: bin, OTHERS: addressPattern(others) };
  const { status, stdout } = spawnSync("/bin/sh", ["-c", script], { env, encoding: "utf8" });
  const calls = join(place, "calls");
  return { code: status, calls: existsSync(calls) ? readFileSync(calls, "utf8") : "", said: stdout };
}

suite("a node with virtual servers of others", () => {
  test("keeps those, and those of firewall marks; kube-proxy's go, with their interface", () => {
    const { code, calls } = clear(["192.0.2.0/27", "fd00:2::/64"]);
    assert.equal(code, 0);
    assert.deepEqual(calls.trim().split("\n"), [
      "ipvsadm --delete-service --tcp-service 10.96.0.1:443",
      "ipvsadm --delete-service --udp-service 10.96.0.10:53",
      "ipvsadm --delete-service --sctp-service 192.0.2.63:80",
      "ipvsadm --delete-service --tcp-service [fd00:0010:0096:0000:0000:0000:0000:0001]:443",
      "ip link delete kube-ipvs0",
    ]);
  });

  test("without the means removes nothing, and says which is missing", () => {
    const { code, calls, said } = clear(["192.0.2.0/27"], { tools: ["ip"] });
    assert.deepEqual([code, calls, said], [1, "", "modeSwitch.image has no ipvsadm\n"]);
  });

  test("says what it could not remove", () => {
    const { code, said } = clear(["192.0.2.0/27", "fd00::/16"], { failing: "ipvsadm" });
    assert.deepEqual([code, said], [1, "3 virtual servers of kube-proxy are left\n"]);
    assert.equal(clear([], { failing: "ip" }).code, 1);
  });

  test("that has no ipvs, or is cleared already, is left as it is", () => {
    assert.deepEqual(clear([], { content: "" }), { code: 0, calls: "", said: "" });
    const cleared = "TCP  C000021F:0050 wlc\n";
    const again = clear(["192.0.2.31/32"], { content: cleared, device: false });
    assert.deepEqual(again, { code: 0, calls: "", said: "" });
  });
});

suite("the pattern of some ranges", () => {
  const matches = (address: string, cidr: string) => {
    const isV6 = address.includes(":");
    return new RegExp(addressPattern([cidr])).test(`${isV6 ? 6 : 4} ${asKernel(address)}`);
  };

  test("is of the addresses in them, and of no others", () => {
    const bytes = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }).map((all) => all.join("."));
    const groups = fc
      .array(fc.constantFrom("0", "1", "fd00", "ff", "abcd"), { minLength: 8, maxLength: 8 })
      .map((all) => all.join(":"));
    const one = fc.oneof(
      fc.tuple(bytes, bytes, fc.nat(32), fc.nat(32)),
      fc.tuple(groups, groups, fc.nat(128), fc.nat(128)),
    );
    fc.assert(
      fc.property(one, ([address, base, length, common]) => {
        for (const each of [address, base, mixed(base, address, common)]) {
          assert.equal(
            matches(each, `${base}/${length}`),
            isWithin(`${each}/${base.includes(":") ? 128 : 32}`, `${base}/${length}`),
          );
        }
      }),
    );
  });

  test("of one family has none of the other; what is no range, none at all", () => {
    const one = "0:0:0:0:0:0:0:1";
    assert.ok(matches("0.0.0.1", "0.0.0.0/0") && !matches(one, "0.0.0.0/0"));
    assert.ok(matches(one, "::/0") && !matches("0.0.0.1", "::/0"));
    for (const text of ["", "nonsense", "192.0.2.1", "192.0.2.1/x", ".*/8"]) {
      assert.ok(!matches("192.0.2.1", text), text);
    }
  });
});

/** An address as /proc/net/ip_vs has it. */
function asKernel(address: string): string {
  if (!address.includes(":")) {
    return Buffer.from(address.split(".").map(Number)).toString("hex").toUpperCase();
  }
  return address
    .split(":")
    .map((group) => group.padStart(4, "0"))
    .join(":");
}

/** An address that has some of its first bits in common with one, and the others with another one. */
function mixed(base: string, other: string, bits: number): string {
  const [first, second] = [base, other].map((address) =>
    BigInt(`0x${asKernel(address).replaceAll(":", "")}`),
  );
  const size = base.includes(":") ? 128n : 32n;
  const rest = (1n << (size - BigInt(bits))) - 1n;
  const hex = (((first ?? 0n) & ~rest) | ((second ?? 0n) & rest))
    .toString(16)
    .padStart(Number(size) / 4, "0");
  return size === 32n ? [...Buffer.from(hex, "hex")].join(".") : (hex.match(/.{4}/g) ?? []).join(":");
}
