/** What goes wrong with kube-proxy on a real node is found, told of the node, and keeps a restart from going on. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, before, suite, test } from "node:test";
import type { Diagnosis, Report } from "../../components/cluster/verify/index.ts";
import { nodeCommand, type Mode } from "../../lab/index.ts";
import { bindPort } from "../../lab/kubeadm.ts";
import { network } from "../../lab/network.ts";
import { images } from "../../lab/real/build.ts";
import { runOrFail } from "../../lab/tools.ts";
import type { Scenario } from "../e2e/scenario.ts";
import { useLab } from "../e2e/useLab.ts";
import { skip } from "./requirements.ts";

const faulty = "real-1";
const pools = [
  { name: "first", nodeSelector: { "kubernetes.io/hostname": faulty } },
  {
    name: "second",
    matchExpressions: [{ key: "kubernetes.io/hostname", operator: "NotIn", values: [faulty] }],
  },
];
const first = ["--daemonset", "kube-proxy-first"];
const testServices = "kube-proxy/test-service";
const commands = join(import.meta.dirname, "..", "..", "commands");

/** Stops every kube-proxy that starts; lets all go on when its standard input ends. */
const stopNewProcesses = `
  old=" $(pidof kube-proxy) "
  while :; do
    for pid in $(pidof kube-proxy); do
      case "$old" in *" $pid "*) ;; *) kill -STOP "$pid" ;; esac
    done
    sleep 0.1
  done &
  cat
  kill $!
  kill -CONT $(pidof kube-proxy)`;

/** Two nodes, each a pool of its own, with a kube-proxy in this mode that works. */
function useNodes(mode: Mode, config: Record<string, unknown> = {}) {
  const lab = useLab({ name: `t${process.pid}-faults-${mode}`, realNodes: 2 });
  let scenario: Scenario;
  before(async () => {
    const configuration = { mode, conntrack: { maxPerCore: 0 } };
    scenario = await lab.open({ podSubnet: lab.lab.podSubnet, pools, configuration, ...config });
    await scenario.up();
  });

  const onNode = (...args: string[]) => runOrFail(nodeCommand(lab.lab, faulty, args));

  /** Runs a command on the faulty node, which has this input and waits for more, until the work has ended. */
  async function during(command: string[], input: string, work: () => Promise<void>): Promise<void> {
    const { file, args, env } = nodeCommand(lab.lab, faulty, command);
    const child = spawn(file, args, { env, stdio: ["pipe", "ignore", "inherit"] });
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.stdin.write(input);
    try {
      await work();
    } finally {
      child.stdin.end();
      await ended;
    }
  }

  /** A restart that has to end with the faulty node's pool. */
  async function assertHalts(token: string, reason: RegExp, changed: Record<string, unknown> = {}) {
    const untouched = async () =>
      (await scenario.cluster.daemonSets()).map(({ metadata }) => metadata).slice(1);
    const old = await untouched();
    await scenario.stack.setConfig({ restart: token, timeouts: { verify: "12s" }, ...changed });
    const { ok, output } = await scenario.stack.up();
    assert.ok(!ok, `up did not notice:\n${output}`);
    assert.match(output, new RegExp(`${faulty} .* failed: .*${reason.source}`));
    assert.deepEqual(
      (await untouched()).map(({ uid, generation }) => [uid, generation]),
      old.map(({ uid, generation }) => [uid, generation]),
      "the next pool was touched",
    );
  }

  async function command(name: string, args: string[]): Promise<{ code: number | null; stdout: string }> {
    const all = [join(commands, name), "--kubeconfig", lab.lab.kubeconfig, ...args];
    const child = spawn(process.execPath, all, { stdio: ["ignore", "pipe", "inherit"] });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    return { stdout: await text(child.stdout), code: await ended };
  }

  /** Replaces the kube-proxy that has the fault, and proves the new one. */
  async function restartNode(): Promise<void> {
    const { code, stdout } = await command("restartNodes.ts", ["--nodes", faulty]);
    assert.equal(code, 0, stdout);
  }

  async function verify(deadline: string): Promise<{ code: number | null; result: Report }> {
    const { code, stdout } = await command("verify.ts", [...first, "--json", "--deadline", deadline]);
    return { code, result: JSON.parse(stdout) as Report };
  }

  async function doctor(): Promise<{ code: number | null; result: Diagnosis }> {
    const { code, stdout } = await command("doctor.ts", [...first, "--json"]);
    return { code, result: JSON.parse(stdout) as Diagnosis };
  }

  /** Without a restart, `verify` has to find the fault. */
  async function assertFound(reason: RegExp): Promise<void> {
    const { code, result } = await verify("10s");
    const [node] = result.nodes;
    assert.deepEqual([code, node?.node, node?.verdict], [1, faulty, "failed"]);
    assert.match(node?.reasons.join("; ") ?? "", reason);
  }

  async function assertWell(): Promise<void> {
    const { code, result } = await verify("30s");
    assert.equal(code, 0, JSON.stringify(result, undefined, 2));
    assert.deepEqual(
      result.nodes.map(({ service }) => service?.verdict),
      ["answers"],
    );
  }

  /** An `up` that goes all the way. */
  async function recover(token: string, changed: Record<string, unknown> = {}): Promise<void> {
    await scenario.up({ restart: token, timeouts: {}, ...changed });
  }

  afterEach(async () => {
    const left = await scenario.cluster.kubectl([
      "get",
      "services",
      "--all-namespaces",
      "-l",
      testServices,
      "-o",
      "name",
    ]);
    assert.equal(left, "", "a test Service was left");
  });

  return {
    get scenario() {
      return scenario;
    },
    ...{ onNode, during, assertHalts, assertFound, assertWell, recover, restartNode, doctor },
  };
}

// Most of the time is waiting, and two labs do not know of each other.
suite("faults of a kube-proxy", { skip, concurrency: true }, () => {
  suite("in mode nftables", { concurrency: 1 }, () => {
    const nodes = useNodes("nftables");

    test("an image without netbase: what was there is refused, what comes later answers", async () => {
      const reason = /a Service from before the restart does not answer/;
      await nodes.assertHalts("image", reason, { image: images.withoutProtocols });
      await nodes.recover("image mended", { image: undefined });
    });

    test("an API server that cannot be reached any more", async () => {
      const chain = "input { type filter hook input priority filter ; }";
      const rule = `ip saddr ${network.advertiseAddress} tcp sport ${bindPort} drop`;
      const block = ["add table ip lab", `add chain ip lab ${chain}`, `add rule ip lab input ${rule}`];
      await nodes.onNode("nft", block.join(" ; "));
      try {
        await nodes.assertFound(/^a new Service does not answer at 198\.19\.0\.1:\d+/);
      } finally {
        await nodes.onNode("nft", "delete table ip lab");
      }
      await nodes.assertWell();
    });

    test("a process that is stopped", async () => {
      await nodes.onNode("killall", "-STOP", "kube-proxy");
      try {
        await nodes.assertFound(/^its metrics cannot be read: no complete answer within 5 s/);
      } finally {
        await nodes.onNode("killall", "-CONT", "kube-proxy");
      }
      await nodes.during(["sh", "-c", stopNewProcesses], "", async () => {
        await nodes.assertHalts("stopped", /its metrics cannot be read/);
        const { code, result } = await nodes.doctor();
        assert.equal(code, 1);
        assert.match(result.nodes[0]?.findings.join("; ") ?? "", /^its metrics cannot be read/);
      });
      await nodes.recover("stopped");
    });

    test("rules that somebody has removed", async () => {
      await nodes.onNode("nft", "flush ruleset");
      await nodes.assertFound(/nftables_(sync|cleanup)_failures_total is \d+, not 0/);
      await nodes.restartNode();
    });
  });

  suite("in mode iptables", { concurrency: 1 }, () => {
    const nodes = useNodes("iptables", { image: images.legacyIptables });

    test("an API server that is not where the configuration says", async () => {
      await nodes.assertHalts("API server", /./, { controlPlaneEndpoint: "192.0.2.99:6443" });
      await nodes.recover("API server mended", { controlPlaneEndpoint: "192.0.2.10:6443" });
    });

    test("a configuration that is not the declared one", async () => {
      const { cluster } = nodes.scenario;
      const [name] = (await cluster.kubectl(["get", "configmap", "-o", "name"]))
        .split("\n")
        .filter((line) => line.includes("kube-proxy-first"));
      const path = "jsonpath={.data.config\\.conf}";
      const declared = await cluster.kubectl(["get", name ?? "", "-o", path]);
      const patch = (conf: string) =>
        cluster.kubectl(["patch", name ?? "", "-p", JSON.stringify({ data: { "config.conf": conf } })]);
      await patch(declared.replace(/clusterCIDR: .*/, "clusterCIDR: 192.0.2.0/24"));
      await nodes.assertFound(/it has loaded clusterCIDR .*, not "192\.0\.2\.0\/24"/);
      await patch(declared);
      await nodes.assertWell();
    });

    test("rules that somebody has removed", async () => {
      for (const table of ["nat", "filter", "mangle"])
        await nodes.onNode("iptables-legacy", "-t", table, "-F");
      await nodes.assertFound(/^a new Service does not answer at 198\.19\.0\.1:\d+/);
      await nodes.restartNode();
    });

    test("a lock that somebody holds", async () => {
      // It takes the lock with a table's name, and keeps it until COMMIT.
      await nodes.during(["iptables-legacy-restore", "--noflush"], "*nat\n", async () => {
        // It waits for the lock before it listens.
        await nodes.assertHalts("lock", /its metrics cannot be read|it has never synced its rules/);
      });
      await nodes.recover("lock released");
    });
  });
});
