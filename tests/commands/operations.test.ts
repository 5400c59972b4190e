/** The command lines that `pulumi up` and `destroy` run, those that an older state has included, against an API server that refuses. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { suite, test } from "node:test";
import { KubeProxy } from "../../components/index.ts";
import { reply, withApiServer } from "../cluster/apiServer.ts";
import { registrationsOf } from "../component/registration.ts";

const root = join(import.meta.dirname, "..", "..");

interface Call {
  /** From the script on. */
  readonly args: readonly string[];
  readonly stdin?: string;
}

/** Everything that the component's commands may be run with, as the engine has it run. */
async function callsOf(): Promise<Call[]> {
  const registrations = await registrationsOf(() => {
    new KubeProxy("kube-proxy", {
      kubernetesVersion: "v1.37.2",
      controlPlaneEndpoint: "192.0.2.10",
      cluster: { id: "1" },
      snapshotFolder: "snapshots",
      snapshotIn: "cluster",
      maxFailed: "1",
      prePull: true,
      restartNodes: { nodes: ["node-1"] },
    });
  });
  const commands = registrations.filter(({ type }) => type.endsWith(":Command"));
  return commands.flatMap(({ inputs }) => {
    const { interpreter, create, update, delete: end, stdin } = inputs as Record<string, string>;
    const before = (interpreter as unknown as string[]).slice(3);
    const input = stdin === undefined ? {} : { stdin };
    return [create, update, end]
      .filter((one) => one !== undefined)
      .map((operation) => ({ args: [...before, operation], ...input }));
  });
}

/** What a command ends with, and whether it has asked the cluster. */
async function run({
  args,
  stdin = "",
}: Call): Promise<{ code: number | null; stderr: string; asked: boolean }> {
  let asked = false;
  return await withApiServer(
    (_, response) => {
      asked = true;
      reply(response, { kind: "Status", message: "no" }, 403);
    },
    async (config) => {
      const env = {
        ...process.env,
        KUBE_PROXY_KUBECONFIG: config.exportConfig(),
        KUBE_PROXY_CLUSTER_ID: "1",
      };
      const child = spawn(process.execPath, [...args], { cwd: root, env });
      child.stdin.on("error", () => undefined).end(stdin);
      const closed = new Promise<number | null>((resolve) => child.once("close", resolve));
      const [code, stderr] = await Promise.all([closed, text(child.stderr)]);
      return { code, stderr, asked };
    },
  );
}

const named = ({ args }: Call) => args.at(-1) ?? "";

suite("what pulumi runs", () => {
  test("ends with a name, which its script knows: it asks the cluster", async () => {
    const calls = await callsOf();
    assert.deepEqual([...new Set(calls.map(named))].sort(), [
      "clear-rules",
      "compare-cluster",
      "do-nothing",
      "layout",
      "make-test-namespace",
      "pull-image",
      "remove-orphans",
      "remove-pulls",
      "remove-test-namespace",
      "restart-nodes",
      "snapshot",
      "test-service",
      "verify",
    ]);
    for (const call of calls.filter((one) => named(one) !== "do-nothing")) {
      const { code, stderr, asked } = await run(call);
      assert.ok(code === 1 && asked, `${call.args.join(" ")}: ${String(code)}\n${stderr}`);
    }
  });

  test("does nothing where only the way to the cluster has changed", async () => {
    const idle = (await callsOf()).filter((one) => named(one) === "do-nothing");
    assert.equal(idle.length, 5);
    for (const call of idle) {
      assert.deepEqual(await run(call), { code: 0, stderr: "", asked: false }, call.args.join(" "));
    }
  });

  test("is known as an earlier version has left it in a state, for the deletion", async () => {
    for (const args of [
      ["commands/clear.ts", "--all"],
      ["commands/orphans.ts", "--all"],
      ["commands/seal.ts", "--compare"],
      ["commands/testNamespace.ts", "--remove"],
    ]) {
      const { code, stderr, asked } = await run({ args });
      assert.ok(code === 1 && asked, `${args.join(" ")}: ${String(code)}\n${stderr}`);
    }
  });

  test("is not done for the asking: another word, or none, is a mistake", async () => {
    for (const args of [
      ["commands/clear.ts"],
      ["commands/orphans.ts", "remove-orphans", "--all"],
      ["commands/testNamespace.ts", "--make"],
      ["commands/verify.ts", "verfy"],
      ["commands/snapshot.ts", "snapshot", "snapshot"],
      ["commands/doctor.ts", "doctor"],
    ]) {
      const { code, stderr, asked } = await run({ args });
      assert.ok(code === 2 && !asked, `${args.join(" ")}: ${String(code)}\n${stderr}`);
      assert.match(stderr, /^Usage: /m);
    }
  });
});
