/** What ipvs carries on a node, as its script tells it of the kernel's own tables. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import {
  carriedScript,
  describeCarried,
  isDrained,
  readCarried,
} from "../../components/cluster/modeSwitch/carried.ts";
import { commandFolder } from "./commandFolder.ts";

const folder = mkdtempSync(join(tmpdir(), "carried-"));
after(() => {
  rmSync(folder, { recursive: true });
});

const bin = commandFolder(join(folder, "bin"));

/**
 * Runs the script on tables of this content, in the place of the kernel's.
 *
 * @param path - where it finds its commands
 */
function tell(tables: Readonly<Record<string, string>>, path = bin): string {
  const place = mkdtempSync(join(folder, "proc-"));
  for (const [name, content] of Object.entries(tables)) writeFileSync(join(place, name), content);
  const log = join(place, "log");
  const script = carriedScript.replaceAll("/proc/net", place).replaceAll("/dev/termination-log", log);
  execFileSync("/bin/sh", ["-c", script], { env: { PATH: path, ADDRESSES: "198.19.0.1,fd00:198:19::1" } });
  return readFileSync(log, "utf8");
}

const devices = (...names: string[]) => names.map((name) => `${name.padStart(10)}: 0 0\n`).join("");

const servers = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A600001:01BB rr
  -> C6130001:192B      Masq    1      0          0
UDP  0A60000A:0035 rr
TCP  [fd00:0010:0096:0000:0000:0000:0000:0001]:01BB rr
`;

const heading = "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n";
const connection = (from: string, to: string, state = "ESTABLISHED", protocol = "TCP") =>
  `${protocol} ${from} A000 ${to} C6130001 192B ${state.padEnd(11)}     899\n`;

const socket = (from: string, to: string, state = "01") =>
  `   0: ${from} ${to} ${state} 00000000:00000000 00:0 0\n`;

suite("what ipvs carries", () => {
  test("is what the kernel has as established, each virtual server by name", () => {
    const told = tell({
      dev: devices("lo", "kube-ipvs0"),
      ip_vs: servers,
      ip_vs_conn: [
        heading,
        connection("0AF40002", "0A600001 01BB"),
        connection("0AF40003", "0A600001 01BB"),
        connection("0AF40003", "0A600001 01BB", "TIME_WAIT"),
        connection("0AF40003", "0A60000A 0035", "UDP", "UDP"),
        connection("fd00:0010:0244:0000:0000:0000:0000:0002", "fd00:0010:0096:0000:0000:0000:0000:0001 01BB"),
      ].join(""),
      tcp: "",
      tcp6: "",
    });
    assert.deepEqual(readCarried(told), {
      ...{
        servers: 3,
        hasDevice: true,
        connections: 3,
        flows: 1,
        own: 0,
        ownDrains: false,
        canChoose: false,
      },
      at: [
        { server: "10.96.0.1:443", connections: 2 },
        { server: "[fd00:10:96::1]:443", connections: 1 },
      ],
    });
  });

  test("the node's own connections with a Service's address as their source are told, in each form the kernel has", () => {
    const told = tell({
      dev: devices("kube-ipvs0"),
      // A NodePort's virtual server is at the node's own address, which stays.
      ip_vs: `${servers}TCP  C6130001:7530 rr\nTCP  [fd00:0198:0019:0000:0000:0000:0000:0001]:7530 rr\n`,
      ip_vs_conn: heading,
      if_inet6:
        "fd000010009600000000000000000001 05 80 00 80 kube-ipvs0\nfd001980019000000000000000000001 02 40 00 80 eth0\n",
      tcp: [
        socket("0100600A:A000", "0100600A:01BB"),
        socket("0100600A:A001", "0100600A:01BB", "06"),
        socket("0100007F:A000", "0100007F:01BB"),
        socket("010013C6:A000", "010013C6:192B"),
        socket("010013C6:A000", "010013C6:7530"),
        socket("010013C6:A000", "0100600A:01BB"),
      ].join(""),
      tcp6: [
        socket("100000FD000096000000000001000000:A000", "100000FD000096000000000001000000:01BB"),
        socket("980100FD000019000000000001000000:A000", "980100FD000019000000000001000000:7530"),
        socket("0000000000000000FFFF00000100600A:A000", "0000000000000000FFFF00000100600A:01BB"),
      ].join(""),
    });
    assert.equal(readCarried(told)?.own, 3);
  });

  test("where there is ip, the kernel chooses the node's address for what it opens from now on", () => {
    const withIp = mkdtempSync(join(folder, "bin-"));
    const routes = join(withIp, "routes");
    const script = `#!/bin/sh
if [ "$2" = -o ]; then echo "6: kube-ipvs0    inet 10.96.0.1/32 scope global kube-ipvs0"
else echo "$@" >>${routes}; fi
`;
    writeFileSync(join(withIp, "ip"), script, { mode: 0o755 });
    const tables = { dev: devices("kube-ipvs0"), ip_vs: servers, ip_vs_conn: heading, tcp: "" };
    assert.equal(readCarried(tell(tables, `${withIp}:${bin}`))?.ownDrains, true);
    const ipv6 = socket("100000FD000096000000000001000000:A000", "100000FD000096000000000001000000:01BB");
    const onDevice = { if_inet6: "fd000010009600000000000000000001 05 80 00 80 kube-ipvs0\n" };
    assert.equal(
      readCarried(tell({ ...tables, tcp6: ipv6, ...onDevice }, `${withIp}:${bin}`))?.ownDrains,
      false,
      "nobody can choose another for IPv6",
    );
    assert.deepEqual(
      [...new Set(readFileSync(routes, "utf8").trim().split("\n"))],
      ["-4 route replace local 10.96.0.1 dev kube-ipvs0 table local proto kernel src 198.19.0.1"],
    );
    rmSync(routes);
    tell({ ...tables, dev: devices("lo") }, `${withIp}:${bin}`);
    assert.throws(() => readFileSync(routes), "where there is no such interface, there is nothing to change");
  });

  test("a node without ipvs carries nothing", () => {
    const carried = readCarried(tell({ dev: devices("lo") }));
    assert.deepEqual(carried, {
      servers: 0,
      hasDevice: false,
      connections: 0,
      flows: 0,
      own: 0,
      ownDrains: false,
      canChoose: false,
      at: [],
    });
    assert.ok(isDrained(carried));
  });

  test("thousands of virtual servers fit into what the kubelet keeps", () => {
    const many = Array.from({ length: 3000 }, (_, i) =>
      connection("0AF40002", `0A60${i.toString(16).padStart(4, "0").toUpperCase()} 01BB`),
    );
    const told = tell({ dev: devices(), ip_vs: servers, ip_vs_conn: heading + many.join(""), tcp: "" });
    assert.ok(told.length < 4096, `${told.length} bytes`);
    const carried = readCarried(told);
    assert.equal(carried?.connections, 3000);
    assert.match(describeCarried(carried), /^3000 connections \(1 to 10\.96\.0\.0:443, .*, more\)$/);
  });

  test("is not read from what somebody else says", () => {
    for (const text of ["", "sh: not found", "connections 12", "device many"]) {
      assert.equal(readCarried(text), undefined, text);
    }
    assert.equal(readCarried("device 1\nat TCP ::::::::::: 01BB 1")?.at[0]?.server, "[:::::::::::]:443");
  });

  test("is told in words", () => {
    const carried = {
      servers: 1,
      hasDevice: true,
      connections: 0,
      flows: 1,
      own: 2,
      ownDrains: true,
      canChoose: false,
      at: [],
    };
    assert.equal(
      describeCarried(carried),
      "0 connections, 1 UDP flow, 2 connections of the node itself from a Service's address",
    );
    assert.ok(!isDrained(carried));
    assert.ok(isDrained({ ...carried, own: 0 }), "a flow has no end to wait for");
  });
});
