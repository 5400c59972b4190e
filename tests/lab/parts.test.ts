/** The lab's parts that need no control plane. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";

import { componentSpecs } from "../../lab/components.ts";
import { isAtLeast } from "../../lab/go.ts";
import { down } from "../../lab/index.ts";
import { withLock } from "../../lab/lock.ts";
import { freePorts, maxNodes, nodeAddresses } from "../../lab/network.ts";
import { checkNodes } from "../../lab/nodes.ts";
import { end, identify, isAlive } from "../../lab/process.ts";
import { lackOfInotify } from "../../lab/real/inotify.ts";
import { checkVmNodes, maxRealNodes, realNodeAddresses, routerAddresses } from "../../lab/real/addresses.ts";
import { labDir, makeLabsDir, writeState } from "../../lab/state.ts";
import { emulatorCommand } from "../../lab/vm/emulator.ts";
import { lackOfMemory } from "../../lab/vm/requirements.ts";

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "lab-test-"));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

test("Go releases compare by number", () => {
  for (const version of [
    "go1.26.0",
    "go1.26.8",
    "go1.100.0",
    "go2.0.0",
    "go1.27rc1",
    "devel go1.28-1a2b3c",
  ]) {
    assert.equal(isAtLeast(version, "1.26.0"), true, version);
  }
  for (const version of ["go1.25.9", "go1.9", "go1.26", ""]) {
    assert.equal(isAtLeast(version, "1.26.1"), false, version);
  }
});

test("every node has addresses of its own", () => {
  const all = Array.from({ length: maxNodes }, (_, index) => nodeAddresses(index));
  assert.deepEqual(all[0], { internalIP: "198.18.0.1", podCIDR: "10.244.0.0/26" });
  assert.deepEqual(all.at(-1), { internalIP: "198.18.4.0", podCIDR: "10.244.255.192/26" });
  assert.equal(new Set(all.map(({ internalIP }) => internalIP)).size, maxNodes);
  assert.equal(new Set(all.map(({ podCIDR }) => podCIDR)).size, maxNodes);
});

test("real nodes have addresses of their own, and ranges for pods that no other node has", () => {
  const real = Array.from({ length: maxRealNodes }, (_, index) => realNodeAddresses(index));
  const kwok = Array.from({ length: maxNodes - maxRealNodes }, (_, index) => nodeAddresses(index));
  const ranges = [...real.flatMap(({ podCIDRs }) => podCIDRs), ...kwok.map(({ podCIDR }) => podCIDR)];
  assert.equal(new Set(ranges).size, ranges.length);
  const addresses = [...routerAddresses, ...real.flatMap(({ addresses }) => addresses)];
  assert.equal(new Set(addresses).size, addresses.length);
});

test("as many nodes as have a range for their pods, real ones included", () => {
  checkNodes(maxNodes);
  checkNodes(maxNodes - 2, 2);
  assert.throws(() => {
    checkNodes(maxNodes - 1, 2);
  }, /^Error: nodes: 1023 is not accepted; give a whole number from 0 to 1022$/);
});

test("the controller manager's rate is the lab's own unless another one is asked for, and its burst goes with it", (t) => {
  const dir = temporaryFolder(t);
  const ports = {
    etcd: 1,
    etcdPeer: 2,
    etcdMetrics: 3,
    apiServer: 4,
    controllerManager: 5,
    scheduler: 6,
    kwok: 7,
    kubeProxy: 8,
  };
  const rate = (kubeApiQps?: number): string[] => {
    const cluster = { serviceSubnet: "", egressSelector: "", nodes: 1, kubeApiQps };
    const { args } = componentSpecs(dir, ports, cluster).controllerManager;
    return args.filter((arg) => arg.startsWith("--kube-api-"));
  };
  assert.deepEqual(rate(), ["--kube-api-qps=1000", "--kube-api-burst=1500"]);
  assert.deepEqual(rate(20), ["--kube-api-qps=20", "--kube-api-burst=30"], "Kubernetes' own defaults");
});

test("free ports differ", async () => {
  assert.equal(new Set(await freePorts(50)).size, 50);
});

test("a process that ignores SIGTERM is killed", async (t) => {
  const script = "process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1000); console.log()";
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => child.kill("SIGKILL"));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const identity = identify(child.pid ?? 0);
  assert.ok(identity && isAlive(identity));
  await end([identity], 200);
  assert.equal(isAlive(identity), false);
});

test("a recycled pid is never killed", async (t) => {
  const name = `t${process.pid}-recycled`;
  const bystander = spawn("sleep", ["60"]);
  t.after(() => bystander.kill("SIGKILL"));
  const pid = bystander.pid ?? 0;
  const dir = labDir(name);
  makeLabsDir();
  mkdirSync(dir);
  const lab = {
    name,
    dir,
    kubeconfig: "",
    context: "",
    server: "",
    nodes: 0,
    realNodes: [],
    vmNodes: [],
    podSubnet: "",
    kubernetesVersion: "",
  };
  const component = { name: "etcd", pid, started: "some other time", port: 0, health: "", log: "" };
  writeState({ lab, binary: "", kubeadm: false, ready: true, components: [component] });

  assert.equal(await down(name), true);
  assert.equal(existsSync(dir), false);
  assert.equal(bystander.exitCode ?? bystander.signalCode, null, "the bystander lives");
});

test("a lock lets one in at a time, also within a process", async (t) => {
  const path = join(temporaryFolder(t), "lock");
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    inside += 1;
    most = Math.max(most, inside);
    await new Promise((resolve) => setTimeout(resolve, 20));
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 4 }, () => withLock(path, { timeoutMs: 10_000 }, work)));
  assert.equal(most, 1);
  assert.equal(existsSync(path), false);
});

test("a lock is taken over from a dead holder only, and released on failure", async (t) => {
  const path = join(temporaryFolder(t), "lock");
  writeFileSync(path, JSON.stringify({ pid: process.pid, started: "some other time" }));
  assert.equal(await withLock(path, { timeoutMs: 1000 }, () => Promise.resolve("in")), "in");

  writeFileSync(path, JSON.stringify(identify(process.pid)));
  const waited: number[] = [];
  const options = { timeoutMs: 100, onWait: (pid: number) => waited.push(pid) };
  const refused = withLock(path, options, () => Promise.resolve("in"));
  await assert.rejects(refused, /waited 0\.1 s in vain for the lock/);
  assert.deepEqual(waited, [process.pid]);
  rmSync(path);

  await assert.rejects(
    withLock(path, { timeoutMs: 1000 }, () => Promise.reject(new Error("work failed"))),
    /work failed/,
  );
  assert.equal(existsSync(path), false);
});

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

function cli(args: string[], env: NodeJS.ProcessEnv = process.env): Promise<Outcome> {
  const main = join(import.meta.dirname, "../../lab/main.ts");
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [main, ...args], { env }, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
  });
}

test("the command line tells every mistake at once, with exit code 2", async () => {
  const { code, stderr } = await cli([
    "up",
    "--name",
    "A_b",
    "--nodes",
    "1e2",
    "--node=3",
    "--real-nodes=",
    "--vm-nodes=10",
    "--kernel=7",
    "--mode=userspace",
    "--kube-api-qps=0",
    "more",
    "--kubeadm=1",
  ]);
  assert.equal(code, 2);
  for (const mistake of [
    /^--name: "A_b" is not accepted; give 1 to 32 lower-case/m,
    /^--nodes: "1e2" is not accepted; give a whole number from 0 to 1024$/m,
    /^--node is not accepted; give --name, --nodes, --real-nodes, --vm-nodes, --kernel, --kubeadm, --mode, --kube-api-qps$/m,
    /^--real-nodes: "" is not accepted; give a whole number from 0 to 9$/m,
    /^--vm-nodes: 10 is not accepted; give a whole number from 0 to 9$/m,
    /^--kernel: "7" is not accepted; give 6\.1 or 5\.10$/m,
    /^--mode: "userspace" is not accepted; give iptables, nftables or ipvs$/m,
    /^--kube-api-qps: 0 is not accepted; give a whole number from 1 to 1000$/m,
    /^"more" is one word too many$/m,
    /^--kubeadm takes no value$/m,
    /^usage: npm run lab/m,
  ]) {
    assert.match(stderr, mistake);
  }
  assert.doesNotMatch(stderr, /^ {4}at /m, "no stack trace");
});

test("unknown and missing commands are usage errors; help is not", async () => {
  assert.equal((await cli(["start"])).code, 2);
  assert.equal((await cli([])).code, 2);
  const help = await cli(["--help"]);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /usage: npm run lab/);
});

test("a lab that is not there: status and kubectl say so, down has nothing to do", async () => {
  const name = `t${process.pid}-absent`;
  const [status, kubectl, down] = await Promise.all([
    cli(["status", "--name", name]),
    cli(["kubectl", "--name", name, "get", "nodes"]),
    cli(["down", "--name", name]),
  ]);
  assert.equal(status.code, 1);
  assert.match(status.stdout, /There is no lab .* npm run lab -- up --name/);
  assert.equal(kubectl.code, 1);
  assert.match(kubectl.stderr, /does not run\. Bring it up: npm run lab -- up --name/);
  assert.equal(down.code, 0);
});

test("without Go, or with one too old, up says what is needed", async (t) => {
  const folder = temporaryFolder(t);
  const missing = await cli(["up"], { ...process.env, PATH: folder });
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^"go" is not on PATH; .* Go 1\.26\.0 or newer/);

  writeFileSync(join(folder, "go"), '#!/bin/sh\nprintf "go1.25.3\\nlinux\\namd64\\n"\n', { mode: 0o700 });
  const old = await cli(["up"], { ...process.env, PATH: folder });
  assert.equal(old.code, 1);
  assert.match(old.stderr, /^"go" on PATH is go1\.25\.3; the lab needs Go 1\.26\.0 or newer/);
});

test("mode ipvs is refused where no node has it", async () => {
  const { code, stderr } = await cli(["up", "--name", `t${process.pid}-ipvs`, "--mode", "ipvs"]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^mode: "ipvs" is not accepted: .*; give --vm-nodes for nodes with a kernel that has it$/m,
  );
});

test("a kernel is refused where no node would have it", async () => {
  const { code, stderr } = await cli(["up", "--name", `t${process.pid}-kernel`, "--kernel", "5.10"]);
  assert.equal(code, 1);
  assert.match(stderr, /^kernel: is not accepted without nodes .*; give --vm-nodes$/m);
});

test("a kernel of their own is offered to nodes that there are", () => {
  assert.throws(() => {
    checkVmNodes(8, 2);
  }, /^Error: vm-nodes: 8 is not accepted; give a whole number from 0 to 7$/);
  checkVmNodes(7, 2);
});

test("without the memory for machines up says how much they need", () => {
  assert.deepEqual(lackOfMemory(2, 4584), []);
  assert.deepEqual(lackOfMemory(2, 4583), [
    {
      path: "memory that is available",
      value: 4583,
      accepted: "at least 4584 MB: 1792 for each of them, and 1000 for the control plane",
    },
  ]);
});

test("an emulator's command line: nothing of this machine's is loaded, and only scratch disks are written to", () => {
  const { file, args } = emulatorCommand("/cache/emulator", "tcg", {
    kernel: { kernel: "/k", initramfs: "/i" },
    disks: [{ path: "/a,b", isScratch: true }, { path: "/c" }],
    megabytes: 512,
  });
  assert.match(file, /^\/cache\/emulator\/.*ld-linux/);
  assert.ok(args.includes("/cache/emulator/usr/bin/qemu-system-x86_64"));
  const drives = args.filter((arg) => arg.includes("file="));
  assert.deepEqual(drives, [
    "if=none,id=disk0,format=raw,file=/a,,b,snapshot=on",
    "if=none,id=disk1,format=raw,file=/c,readonly=on",
  ]);
});

test("a lab whose kube-proxies would find no inotify instance left says so before it starts", () => {
  assert.deepEqual(lackOfInotify(2, 95, 128), []);
  assert.deepEqual(lackOfInotify(2, 96, 128), [
    {
      path: "fs.inotify.max_user_instances",
      value: 128,
      accepted: "at least 129, 96 being in use: sysctl fs.inotify.max_user_instances=512, or end another lab",
    },
  ]);
});
