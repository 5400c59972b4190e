/** The lab from outside: what `up`, `down` and the others promise, on real processes. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { down, find, kubectl, type Lab, neverReadyImage, setNodes, status, up } from "../../lab/index.ts";
import { isAlive } from "../../lab/process.ts";
import { type Component, labDir, readState } from "../../lab/state.ts";
import { waitFor } from "../../lab/wait.ts";

const main = join(import.meta.dirname, "../../lab/main.ts");
const nameOf = (what: string): string => `t${process.pid}-${what}`;
const plain = nameOf("plain");
const kubeadm = nameOf("kubeadm");
const doomed = nameOf("doomed");

/** Everything that a lab has no business to touch. */
const elsewhere = ["/etc/kubernetes", "/var/lib/kubelet", join(homedir(), ".kube"), join(homedir(), ".kwok")];
const modified = (): (number | undefined)[] =>
  elsewhere.map((path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs);

async function get<T>(lab: Lab, ...args: string[]): Promise<T> {
  const { stdout, stderr, code } = await kubectl(lab, ["get", "-o", "json", ...args]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as T;
}

interface List<T> {
  items: T[];
}

interface Pod {
  metadata: { name: string };
  spec: { nodeName: string };
  status: {
    phase: string;
    podIP?: string;
    hostIP: string;
    startTime?: string;
    conditions: { type: string; status: string }[];
    containerStatuses: {
      imageID: string;
      ready: boolean;
      state: { waiting?: { reason: string; message: string }; terminated?: { reason: string } };
    }[];
  };
}

const isReady = (pod: Pod): boolean =>
  pod.status.conditions.some(({ type, status }) => type === "Ready" && status === "True");

function components(name: string): Component[] {
  return readState(labDir(name))?.components ?? [];
}

/** Waits until `up` in the background has started a component of this name. */
async function started(name: string, component: string): Promise<Component> {
  let found: Component | undefined;
  await waitFor(`${component} of ${name}`, { timeoutMs: 30_000, intervalMs: 10 }, () => {
    found = components(name).find((candidate) => candidate.name === component);
    return found !== undefined;
  });
  assert.ok(found);
  return found;
}

function assertGone(name: string, processes: readonly Component[]): void {
  assert.deepEqual(processes.filter(isAlive), [], "processes that still run");
  assert.equal(existsSync(labDir(name)), false, `${labDir(name)} exists`);
  assert.equal(existsSync(`${labDir(name)}.lock`), false, `${labDir(name)}.lock exists`);
}

describe("lab", () => {
  let untouched: (number | undefined)[];
  let lab: Lab;
  let operators: Lab;

  before(async () => {
    untouched = modified();
    [lab, operators] = await Promise.all([
      up({ name: plain, nodes: 3 }),
      up({ name: kubeadm, nodes: 4, kubeadm: true, kubeApiQps: 20 }),
    ]);
  });

  after(async () => {
    for (const name of [plain, kubeadm, doomed]) await down(name);
  });

  test("two labs run side by side, each with its own nodes", async () => {
    assert.notEqual(lab.server, operators.server);
    assert.notEqual(lab.context, operators.context);
    for (const [which, count] of [
      [lab, 3],
      [operators, 4],
    ] as const) {
      const health = await status(which.name);
      assert.equal(health?.healthy, true);
      assert.deepEqual(health.nodes, { total: count, ready: count });
      assert.deepEqual(await find(which.name), which);
      const context = await kubectl(which, ["config", "current-context"]);
      assert.equal(context.stdout.trim(), which.context);
    }
  });

  test("a node looks like a kubelet's", async () => {
    const { items } = await get<List<{ spec: object; status: { nodeInfo: object } }>>(lab, "nodes");
    const { kubeletVersion, kernelVersion, osImage, architecture, containerRuntimeVersion } = items[0]?.status
      .nodeInfo as Record<string, string>;
    assert.equal(kubeletVersion, lab.kubernetesVersion);
    for (const value of [kernelVersion, osImage, architecture, containerRuntimeVersion]) assert.ok(value);
    const ranges = items.map(({ spec }) => (spec as { podCIDR: string }).podCIDR);
    assert.deepEqual(ranges, ["10.244.0.0/26", "10.244.0.64/26", "10.244.0.128/26"]);
  });

  test("--kubeadm leaves what kubeadm init leaves", async () => {
    const config = await get<{ data: { ClusterConfiguration: string } }>(
      operators,
      ..."configmap kubeadm-config -n kube-system".split(" "),
    );
    assert.match(config.data.ClusterConfiguration, /^kubernetesVersion: v1\.37\.2$/m);
    assert.match(config.data.ClusterConfiguration, /^certificatesDir: \/etc\/kubernetes\/pki$/m);
    const proxy = await get<{ status: { numberAvailable: number; desiredNumberScheduled: number } }>(
      operators,
      ..."daemonset kube-proxy -n kube-system".split(" "),
    );
    assert.equal(proxy.status.desiredNumberScheduled, 4);
    assert.equal(proxy.status.numberAvailable, 4);
    const none = await kubectl(lab, "get configmap kubeadm-config -n kube-system".split(" "));
    assert.match(none.stderr, /NotFound/);
  });

  test("up of a running lab returns it, and scales its nodes when asked", async () => {
    const before = components(plain).map(({ pid }) => pid);
    assert.deepEqual(await up({ name: plain }), lab);
    lab = await up({ name: plain, nodes: 5 });
    assert.equal(lab.nodes, 5);
    assert.deepEqual((await status(plain))?.nodes, { total: 5, ready: 5 });
    lab = await setNodes(lab, 3);
    assert.deepEqual((await status(plain))?.nodes, { total: 3, ready: 3 });
    const after = components(plain).map(({ pid }) => pid);
    assert.deepEqual(after, before, "the same processes");
  });

  test("a lab without kubeadm's kube-proxy does not pass for one with it", async () => {
    await assert.rejects(up({ name: plain, kubeadm: true }), /^Error: kubeadm: .*without kubeadm's/);
  });

  test("the controller manager's rate is the lab's own or the one that was asked for, also with other nodes", async () => {
    operators = await setNodes(operators, 3);
    for (const [name, flag] of [
      [plain, /--kube-api-qps=1000 /],
      [kubeadm, /--kube-api-qps=20 /],
    ] as const) {
      const { pid } = await started(name, "kube-controller-manager");
      assert.match(execFileSync("ps", ["-ww", "-o", "args=", "-p", String(pid)], { encoding: "utf8" }), flag);
    }
    assert.deepEqual(await up({ name: kubeadm, kubeApiQps: 20 }), operators);
    await assert.rejects(up({ name: kubeadm, kubeApiQps: 1000 }), /^Error: kube-api-qps: .* with 20;/);
    await assert.rejects(up({ name: plain, kubeApiQps: 20 }), /^Error: kube-api-qps: .* with 1000;/);
  });

  test("removed nodes take their pods with them", async () => {
    operators = await setNodes(operators, 2);
    const pods = await get<List<Pod>>(operators, "pods", "-n", "kube-system");
    assert.deepEqual(pods.items.map((pod) => pod.spec.nodeName).sort(), ["node-0001", "node-0002"]);
  });

  test("pods start at once, complete, or never become ready", async () => {
    const pod = (name: string, spec: object): object => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, labels: { app: name } },
      spec,
    });
    const containers = (image: string): object[] => [{ name: "main", image }];
    const objects = [
      pod("on-host", { hostNetwork: true, containers: containers("registry.example.com:5000/app:v1") }),
      pod("in-pod-network", { containers: containers("app@sha256:" + "a".repeat(64)) }),
      pod("never", { containers: containers(neverReadyImage) }),
      {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name: "job" },
        spec: { template: { spec: { restartPolicy: "Never", containers: containers("app") } } },
      },
    ];
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
    const applied = await kubectl(lab, ["apply", "-f", "-"], { stdin: list });
    assert.equal(applied.code, 0, applied.stderr);
    const waits = await kubectl(lab, [
      ..."wait --timeout=30s --for=condition=Ready pod/on-host pod/in-pod-network".split(" "),
    ]);
    assert.equal(waits.code, 0, waits.stderr);
    const job = await kubectl(lab, "wait --timeout=30s --for=condition=Complete job/job".split(" "));
    assert.equal(job.code, 0, job.stderr);

    const onHost = await get<Pod>(lab, "pod", "on-host");
    assert.equal(onHost.status.podIP, onHost.status.hostIP);
    assert.ok(onHost.status.startTime);
    assert.match(
      onHost.status.containerStatuses[0]?.imageID ?? "",
      /^registry\.example\.com:5000\/app@sha256:[0-9a-f]{64}$/,
    );
    const inside = await get<Pod>(lab, "pod", "in-pod-network");
    assert.match(inside.status.podIP ?? "", /^10\.244\.0\./);
    assert.equal(inside.status.containerStatuses[0]?.imageID, "app@sha256:" + "a".repeat(64));

    await waitFor("the pull's failure", { timeoutMs: 10_000 }, async () => {
      return (await get<Pod>(lab, "pod", "never")).status.startTime !== undefined;
    });
    const never = await get<Pod>(lab, "pod", "never");
    assert.equal(never.status.phase, "Pending");
    assert.equal(isReady(never), false);
    const waiting = never.status.containerStatuses[0]?.state.waiting;
    assert.equal(waiting?.reason, "ImagePullBackOff");
    assert.equal(waiting.message, `Back-off pulling image "${neverReadyImage}"`);

    const deleted = await kubectl(lab, "delete --timeout=30s pod/never pod/on-host job/job".split(" "));
    assert.equal(deleted.code, 0, deleted.stderr);
  });

  test("only the user may read what it writes, and it writes nowhere else", () => {
    const { dir } = lab;
    assert.equal(statSync(dir).mode & 0o777, 0o700);
    assert.equal(statSync(join(dir, "..")).mode & 0o777, 0o700);
    const files = readdirSync(dir, { recursive: true, encoding: "utf8" });
    const secret = files.filter(
      (file) => /\.(key|conf|log|json|yaml)$/.test(file) && !file.includes("cache"),
    );
    assert.ok(secret.some((file) => file.endsWith("ca.key")) && secret.includes("admin.conf"));
    const readable = secret.filter((file) => (statSync(join(dir, file)).mode & 0o077) !== 0);
    assert.deepEqual(readable, []);
    const open = ["pki", "pki/etcd", "etcd", "home", "kubectl-cache"].filter(
      (folder) => (statSync(join(dir, folder)).mode & 0o077) !== 0,
    );
    assert.deepEqual(open, []);
    assert.deepEqual(readdirSync(join(dir, "home")), []);
    assert.deepEqual(modified(), untouched, elsewhere.join(", "));
  });

  test("a lab of which a process was killed is replaced as a whole", async () => {
    const old = components(plain);
    const apiServer = old.find(({ name }) => name === "kube-apiserver");
    assert.ok(apiServer);
    process.kill(apiServer.pid, "SIGKILL");
    await waitFor("its end", { timeoutMs: 5000 }, () => !isAlive(apiServer));
    assert.equal(await find(plain), undefined);
    const health = await status(plain);
    assert.equal(health?.healthy, false);
    assert.equal(health.components.find(({ name }) => name === "kube-apiserver")?.health, "ended");

    const lines: string[] = [];
    lab = await up({ name: plain, nodes: 1, log: (line) => lines.push(line) });
    assert.match(lines.join("\n"), /left behind/);
    assert.deepEqual(old.filter(isAlive), []);
    assert.equal((await status(plain))?.healthy, true);
  });

  test("a lab of which every process was killed is ended without harm", async () => {
    const old = components(plain);
    for (const { pid } of old) process.kill(pid, "SIGKILL");
    await waitFor("their end", { timeoutMs: 5000 }, () => !old.some(isAlive));
    assert.equal(await down(plain), true);
    assertGone(plain, old);
    assert.equal(await down(plain), false);
  });

  test("a component that dies while the lab starts is reported with the end of its log", async () => {
    const starting = up({ name: doomed, nodes: 1 });
    const outcome = starting.then(
      () => undefined,
      (error: unknown) => error,
    );
    await started(doomed, "kube-apiserver");
    const processes = components(doomed);
    const etcd = processes.find(({ name }) => name === "etcd");
    assert.ok(etcd);
    process.kill(etcd.pid, "SIGKILL");
    const error = await outcome;
    assert.ok(error instanceof Error);
    assert.match(error.message, /^etcd \(pid \d+\) has ended\. The end of its log:\n.*"level":/);
    assertGone(doomed, processes);
  });

  for (const interrupt of ["SIGINT", "SIGTERM"] as const) {
    test(`${interrupt} ends what an unfinished up has started`, async () => {
      const child = spawn(process.execPath, [main, "up", "--name", doomed], { stdio: "pipe" });
      const ended = new Promise((resolve) => child.once("close", resolve));
      let stderr = "";
      child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
      await started(doomed, "kube-apiserver");
      const processes = components(doomed);
      child.kill(interrupt);
      assert.equal(await ended, 1);
      assert.equal(stderr.trim(), `interrupted by ${interrupt}`);
      assertGone(doomed, processes);
    });
  }

  test("what a killed up has left is cleaned by the next one", async () => {
    const child = spawn(process.execPath, [main, "up", "--name", doomed], { stdio: "ignore" });
    const ended = new Promise((resolve) => child.once("close", resolve));
    await started(doomed, "kube-apiserver");
    child.kill("SIGKILL");
    await ended;
    const left = components(doomed);
    assert.ok(left.some(isAlive), "etcd and the API server outlive their starter");
    await up({ name: doomed, nodes: 1 });
    assert.deepEqual(left.filter(isAlive), []);
  });

  test("down leaves no process and no folder", async () => {
    for (const name of [kubeadm, doomed]) {
      const processes = components(name);
      assert.ok(processes.length === 6 && processes.every(isAlive));
      assert.equal(await down(name), true);
      assertGone(name, processes);
    }
  });
});
