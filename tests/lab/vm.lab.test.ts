/** Nodes with a kernel of their own: what works on a real node works there, and ipvs besides. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, suite, test } from "node:test";

import { down, kubectl, type Lab, nodeCommand, status, up } from "../../lab/index.ts";
import { isAlive } from "../../lab/process.ts";
import { missingForRealNodes } from "../../lab/real/requirements.ts";
import { labDir, readState } from "../../lab/state.ts";
import { run } from "../../lab/tools.ts";
import { lackOfMemory, availableMegabytes, missingForMachines } from "../../lab/vm/requirements.ts";
import { failures, Probe } from "../node/probe.ts";
import { clientPod, deployResponders, targetsOf } from "../node/responder.ts";

const name = `t${process.pid}-vm`;
const node = "vm-1";

const missing = await missingForRealNodes();
if (missing.length === 0) missing.push(...missingForMachines(), ...lackOfMemory(1, availableMegabytes()));
const skip = missing.length > 0 && missing.map(({ path, accepted }) => `${path}: ${accepted}`).join("; ");

suite("a node with a kernel of its own", { skip }, () => {
  let lab: Lab;

  before(async () => {
    lab = await up({ name, vmNodes: 1, mode: "ipvs", log: console.log });
  });
  after(() => down(name));

  const onNode = (args: string[], stdin = "") => run(nodeCommand(lab, node, args), { stdin });

  test("it is a node as any other, but for its kernel", async () => {
    assert.deepEqual(lab.vmNodes, [node]);
    const version = "jsonpath={.items[*].status.nodeInfo.kernelVersion}";
    const { stdout } = await kubectl(lab, ["get", "nodes", "-o", version]);
    assert.match(stdout, /^6\.1\./);
    assert.deepEqual((await status(name))?.nodes, { total: 1, ready: 1 });
  });

  test("a command on it has its input, output and exit code", async () => {
    const script = 'cat; echo "$0" >&2; exit 3';
    const input = "a line\n".repeat(20_000);
    assert.deepEqual(await onNode(["sh", "-c", script, "an argument"], input), {
      stdout: input,
      stderr: "an argument\n",
      code: 3,
    });
    const { code, stderr } = await onNode(["no-such-command"]);
    assert.equal(code, 127);
    assert.match(stderr, /no-such-command/);
  });

  test("a Service answers by ipvs, from the node and from a pod", async () => {
    await deployResponders(lab, node);
    const targets = await targetsOf(lab, "responder", node);
    await waitForAnswers(Object.values(targets));
    // An emulated processor has time for few questions.
    const few = Object.entries(targets).filter(([target]) => /^ClusterIP .* IPv4$/.test(target));
    const pace = { intervalMs: 2000, timeoutMs: 10_000 };
    const probe = await Probe.start(lab, node, Object.fromEntries(few), pace);
    const attempts = await probe.after(Date.now(), 2).finally(() => probe.stop());
    assert.deepEqual(failures(attempts), []);
    assert.match((await onNode(["ipvsadm", "-Ln"])).stdout, /-> 10\.244\.\d+\.\d+:8080 +Masq/);
  });

  /** Waits until kube-proxy has programmed what is asked for: the rules come after the endpoints, by half a minute. */
  async function waitForAnswers(addresses: readonly string[]): Promise<void> {
    const options = addresses.flatMap((address) => ["-target", `${address}=${address}`]);
    const probing = ["labnode", "probe", "-interval", "2s", "-timeout", "2s", ...options];
    const script = 'sleep 10 | "$@"';
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const { stdout } = await onNode(["sh", "-c", script, "sh", ...probing]);
      const answered = stdout
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as { target: string; error?: string })
        .filter(({ error }) => error === undefined);
      if (new Set(answered.map(({ target }) => target)).size === addresses.length) return;
    }
    assert.fail("no answer");
  }

  test("its logs, its metrics and its pods can be reached", async () => {
    const logs = await kubectl(lab, ["-n", "kube-system", "logs", "daemonset/kube-proxy"]);
    assert.match(logs.stdout, /Using ipvs Proxier/);
    const proxied = await kubectl(lab, ["get", "--raw", `/api/v1/nodes/${node}/proxy/healthz`]);
    assert.equal(proxied.stdout, "ok", proxied.stderr);
  });

  test("nobody but the lab can run commands on it", async () => {
    const asking = ["exec", clientPod, "--", "/labnode", "run", "/etc/hosts", "198.19.0.1:10244", "true"];
    const fromPod = await kubectl(lab, asking);
    assert.equal(fromPod.code, 1);
    assert.match(fromPod.stderr, /the node has gone|connection reset|broken pipe/);

    const known = nodeCommand(lab, node, ["true"]);
    const args = known.args.map((arg) => (arg.endsWith("/secret") ? lab.kubeconfig : arg));
    const withoutSecret = await run({ ...known, args });
    assert.deepEqual([withoutSecret.code, withoutSecret.stderr], [1, "a wrong secret\n"]);
  });

  test("nothing after down", async () => {
    const components = readState(labDir(name))?.components ?? [];
    assert.ok(components.some((component) => component.name === node && isAlive(component)));
    assert.equal(await down(name), true);
    assert.deepEqual(components.filter(isAlive), []);
    assert.equal(existsSync(labDir(name)), false);
  });
});
