/** The stand-in against a real API server, with the programs under fixtures/. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import { down, find, kubectl, type Lab, neverReadyImage, up } from "../../lab/index.ts";
import { type Result, Secret, type Stack } from "./index.ts";
import { standinEngine } from "./standin.ts";

const labName = "engine";
const nodes = 3;
const root = mkdtempSync(join(tmpdir(), "kube-proxy-engine-test-"));
let lab: Lab;
let labWasThere: boolean;

before(async () => {
  labWasThere = (await find(labName)) !== undefined;
  lab = await up({ name: labName, nodes });
});
after(async () => {
  rmSync(root, { recursive: true });
  if (!labWasThere) await down(labName);
});

const interruptedProgram = fileURLToPath(new URL("fixtures/interrupted.ts", import.meta.url));

interface Opened {
  stack: Stack;
  workDir: string;
}

async function open(fixture: string, config: Record<string, unknown>): Promise<Opened> {
  const workDir = mkdtempSync(join(root, `${fixture}-`));
  const projectDir = fileURLToPath(new URL(`fixtures/${fixture}`, import.meta.url));
  const stack = await standinEngine("test").open({ stack: "test", workDir, projectDir, config });
  return { stack, workDir };
}

/** A stack of fixtures/agent; its objects are called `name`, and gone after the test. */
async function openAgent(
  t: TestContext,
  name: string,
  config: Record<string, unknown> = {},
): Promise<Opened> {
  const opened = await open("agent", { kubeconfig: lab.kubeconfig, name, ...config });
  t.after(async () => {
    await opened.stack.dispose();
    await run("delete", "daemonset,configmap", name, "--ignore-not-found");
  });
  return opened;
}

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await kubectl(lab, args);
  assert.equal(code, 0, stderr);
  return stdout;
}

interface LiveDaemonSet {
  metadata: { uid: string; generation: number };
}

async function daemonSet(name: string): Promise<LiveDaemonSet> {
  return JSON.parse(await run("get", "daemonset", name, "-o", "json")) as LiveDaemonSet;
}

async function podNames(name: string): Promise<string[]> {
  return (await run("get", "pods", "-l", `app=${name}`, "-o", "name")).trim().split("\n").sort();
}

/** What happened to the resource called `name`, or to all of them. */
function opsOf({ steps }: Result, name?: string): string[] {
  return steps
    .filter((step) => step.name === (name ?? step.name))
    .map(({ op, status }) => (status === "done" ? op : `${op} ${status}`));
}

function succeeded(result: Result): Result {
  assert.equal(result.ok, true, result.output);
  return result;
}

/** A port on which nobody listens: one that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

const nobody = `https://127.0.0.1:${String(await freePort())}`;

describe("stand-in", { concurrency: 4 }, () => {
  test("create, nothing to do, drift, update, replace, destroy", async (t) => {
    const name = "lifecycle";
    const { stack, workDir } = await openAgent(t, name);

    const preview = succeeded(await stack.preview());
    assert.match(preview.output, /^This is the stand-in/);
    assert.deepEqual(opsOf(preview), ["create", "create", "create", "create"]);
    // One that the API server has made up, as the CLI's provider tries a create out there.
    assert.match(String(preview.outputs["uid"]), /^[0-9a-f-]{36}$/);
    assert.equal((await kubectl(lab, ["get", "daemonset", name])).code, 1);

    const created = succeeded(await stack.up());
    const first = await daemonSet(name);
    const firstPods = await podNames(name);
    assert.equal(created.outputs["uid"], first.metadata.uid);
    assert.notEqual(preview.outputs["uid"], first.metadata.uid);
    assert.equal(firstPods.length, nodes);

    const again = succeeded(await stack.up());
    assert.deepEqual(new Set(opsOf(again)), new Set(["same"]));
    assert.deepEqual(await daemonSet(name).then(({ metadata }) => metadata.generation), 1);

    const patch = ["patch", "configmap", name, "--type=merge"];
    await run(...patch, "-p", '{"data":{"restart":"by hand"}}');
    await run(...patch, "--field-manager=somebody", "-p", '{"data":{"other":"kept"}}');
    const repaired = succeeded(await stack.up());
    assert.deepEqual(
      [opsOf(repaired, "settings"), repaired.steps.find((s) => s.op === "update")?.diff],
      [["update"], ["data.restart"]],
    );
    assert.equal(
      await run("get", "configmap", name, "-o", "jsonpath={.data.restart},{.data.other}"),
      "initial,kept",
    );

    await stack.setConfig({ image: "registry.example.com/agent:2" });
    const updated = succeeded(await stack.up());
    assert.deepEqual(opsOf(updated, "agent"), ["update"]);
    assert.deepEqual(updated.steps.find(({ op }) => op === "update")?.diff, [
      "spec.template.spec.containers[0].image",
    ]);
    const second = await daemonSet(name);
    assert.deepEqual([second.metadata.uid, second.metadata.generation], [first.metadata.uid, 2]);

    const pods = await podNames(name);
    await stack.setConfig({ restart: "now" });
    const planned = succeeded(await stack.preview());
    assert.deepEqual(opsOf(planned, "agent"), ["delete-replaced", "replace", "create-replacement"]);
    // What is deleted first is still there when the create is tried out.
    assert.match(planned.output, /agent: Retry #0; creation failed: .* already exists/);
    assert.equal((await daemonSet(name)).metadata.uid, first.metadata.uid);
    const replaced = succeeded(await stack.up());
    assert.deepEqual(opsOf(replaced, "agent"), ["delete-replaced", "replace", "create-replacement"]);
    const third = await daemonSet(name);
    assert.notEqual(third.metadata.uid, first.metadata.uid);
    const newPods = await podNames(name);
    assert.deepEqual([newPods.length, newPods.filter((pod) => pods.includes(pod))], [nodes, []]);

    const destroyed = succeeded(await stack.destroy());
    assert.deepEqual(destroyed.steps.map((step) => step.name).slice(0, 2), ["agent", "settings"]);
    assert.equal((await run("get", "daemonset,configmap,pods", "-o", "name")).includes(name), false);
    const state = join(workDir, ".standin", "test.json");
    assert.deepEqual(JSON.parse(readFileSync(state, "utf8")), { resources: [], pending: [] });
    assert.equal(statSync(state).mode & 0o777, 0o600);
  });

  test("first bump trap: the first annotation updates in place, the next one replaces", async (t) => {
    const name = "first-bump";
    const { stack } = await openAgent(t, name, { annotate: false });
    succeeded(await stack.up());
    const { uid } = (await daemonSet(name)).metadata;
    await stack.setConfig({ annotate: true, restart: "one" });
    const first = succeeded(await stack.up());
    assert.deepEqual(first.steps.find((step) => step.name === "agent")?.diff, ["metadata.annotations"]);
    assert.equal((await daemonSet(name)).metadata.uid, uid);
    await stack.setConfig({ restart: "two" });
    succeeded(await stack.up());
    assert.notEqual((await daemonSet(name)).metadata.uid, uid);
    succeeded(await stack.destroy());
  });

  test("a refresh goes by the provider of the state, before the program has its say", async (t) => {
    const [before, after] = [join(root, "before.conf"), join(root, "after.conf")];
    copyFileSync(lab.kubeconfig, before);
    const { stack } = await openAgent(t, "refreshed", { kubeconfig: before });
    succeeded(await stack.up());
    renameSync(before, after);
    await stack.setConfig({ kubeconfig: after });
    const { ok, output, steps } = await stack.up();
    assert.deepEqual([ok, steps], [false, []]);
    assert.match(output, /agent: failed to read resource state due to unreachable cluster/);
    copyFileSync(after, before);
    succeeded(await stack.up());
    succeeded(await stack.destroy());
  });

  test("a kill between delete and create: cancel and up create again, and delete nothing", async (t) => {
    const name = "killed";
    const { stack } = await openAgent(t, name);
    const { uid } = succeeded(await stack.up()).outputs;
    // The image keeps the rollout waiting, so that the kill finds it under way.
    await stack.setConfig({ restart: "now", image: neverReadyImage });
    const running = stack.startUp();
    running.onStep(({ op, status }) => {
      if (op === "delete-replaced" && status === "done") running.kill();
    });
    const killed = await running.done;
    assert.deepEqual([killed.ok, killed.exitCode], [false, 137]);
    await run("delete", "daemonset", name, "--ignore-not-found");

    await stack.setConfig({ image: "registry.example.com/agent:1" });
    const locked = await stack.up();
    assert.equal(locked.ok, false);
    assert.match(locked.output, /the stack is currently locked by 1 lock.*`pulumi cancel`/s);
    await stack.cancel();
    const recovered = succeeded(await stack.up());
    assert.deepEqual(opsOf(recovered, "agent"), ["replace", "create-replacement"]);
    assert.doesNotMatch(recovered.output, /deleting original/);
    assert.notEqual((await daemonSet(name)).metadata.uid, uid);
    succeeded(await stack.destroy());
  });

  test("a rollout that fails tells meanwhile which pods and why; the next up waits on, then recovers", async (t) => {
    const name = "failing";
    const { stack } = await openAgent(t, name, { image: neverReadyImage, timeout: "2s" });
    const failed = await stack.up();
    assert.equal(failed.ok, false);
    assert.deepEqual(opsOf(failed, "agent"), ["create failed"]);
    assert.match(
      failed.output,
      /was successfully created, but .* failed to fully initialize or become live: timed out waiting/,
    );
    assert.match(failed.output, /warning: \[Pod failing-\w+\]: .*\[ImagePullBackOff\]/);
    const waiting = await stack.up();
    assert.deepEqual([waiting.ok, opsOf(waiting, "agent")], [false, ["update failed"]]);
    assert.equal(waiting.steps.find((step) => step.name === "agent")?.diff, undefined);
    assert.match(waiting.output, /Resource 'failing' was created but failed to initialize/);
    await stack.setConfig({ image: "registry.example.com/agent:1", timeout: "60s" });
    succeeded(await stack.up());
    succeeded(await stack.destroy());
  });

  test("import adopts what is there, and cannot replace it", async (t) => {
    const name = "adopted";
    const spec = {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: "agent", image: "registry.example.com/agent:1" }] },
      },
    };
    const metadata = { name, annotations: { "example.com/restart": "initial" } };
    const input = JSON.stringify({ apiVersion: "apps/v1", kind: "DaemonSet", metadata, spec });
    const applied = await kubectl(lab, ["apply", "--server-side", "--field-manager=kubeadm", "-f", "-"], {
      stdin: input,
    });
    assert.equal(applied.code, 0, applied.stderr);
    const { uid } = (await daemonSet(name)).metadata;

    const { stack, workDir } = await openAgent(t, name);
    const exists = await stack.up();
    assert.deepEqual([exists.ok, opsOf(exists, "agent")], [false, ["create failed"]]);
    assert.match(exists.output, /daemonsets\.apps "adopted" already exists[^]*`import` option/);

    await stack.setConfig({ import: true });
    const adopted = succeeded(await stack.up());
    assert.deepEqual(opsOf(adopted, "agent"), ["import", "same"]);
    assert.deepEqual(adopted.outputs, { uid });
    await stack.setConfig({ restart: "other" });
    const forbidden = await stack.up();
    assert.equal(forbidden.ok, false);
    assert.match(
      forbidden.output,
      /previously-imported resources that still specify an ID may not be replaced/,
    );
    await stack.setConfig({ restart: "initial" });

    await stack.setConfig({ image: "registry.example.com/agent:2" });
    const conflict = await stack.up();
    assert.equal(conflict.ok, false);
    assert.match(
      conflict.output,
      /conflict with "kubeadm": \.spec\.template\.spec\.containers\[name="agent"\]\.image/,
    );
    await stack.setConfig({ import: false, force: true });
    succeeded(await stack.up());
    assert.deepEqual((await daemonSet(name)).metadata.uid, uid);
    assert.deepEqual(new Set(opsOf(succeeded(await stack.up()))), new Set(["same"]));
    assert.deepEqual(readdirSync(join(workDir, ".standin")), ["test.json"]);
    succeeded(await stack.destroy());
  });

  test("protect forbids to delete, retainOnDelete leaves the object, an alias is refused", async (t) => {
    const name = "options";
    const { stack } = await openAgent(t, name, { protect: true, retain: true });
    succeeded(await stack.up());
    await stack.setConfig({ settings: "renamed" });
    const renamed = await stack.up();
    assert.deepEqual([renamed.ok, opsOf(renamed, "renamed")], [false, []]);
    assert.match(renamed.output, /does not know renames by alias, here of urn:\S+::settings/);
    await stack.setConfig({ settings: undefined });
    const forbidden = await stack.destroy();
    assert.deepEqual([forbidden.ok, opsOf(forbidden)], [false, ["delete", "delete failed"]]);
    assert.match(forbidden.output, /unable to delete resource .*\nas it is currently marked for protection/);
    await stack.setConfig({ protect: false });
    succeeded(await stack.up());
    succeeded(await stack.destroy());
    assert.equal(await run("get", "configmap", name, "-o", "name"), `configmap/${name}\n`);
  });

  test("an interrupt waits for the engine, which keeps what it made and gives the stack back", async (t) => {
    const name = "interrupted";
    const { stack, workDir } = await openAgent(t, name, { image: neverReadyImage });
    const interrupted = spawn(process.execPath, [interruptedProgram, workDir, lab.kubeconfig, name]);
    interrupted.stdout.once("data", () => interrupted.kill("SIGINT"));
    assert.deepEqual(await once(interrupted, "exit"), [null, "SIGINT"]);
    assert.deepEqual(readdirSync(join(workDir, ".standin")), ["test.json"]);
    await stack.setConfig({ image: "registry.example.com/agent:1" });
    assert.deepEqual(opsOf(succeeded(await stack.up()), "agent"), ["update"]);
    succeeded(await stack.destroy());
  });

  test("commands: order, triggers, update, delete with the old inputs, secrets", async () => {
    const journal = join(root, "journal");
    const lines = (): string[] => readFileSync(journal, "utf8").trim().split("\n");
    const { stack, workDir } = await open("commands", { journal, password: new Secret("hunter2") });
    const created = succeeded(await stack.up());
    assert.deepEqual(lines(), ["create first", "second first"]);
    assert.equal(created.outputs["stdout"], "[secret]");
    assert.match(created.output, /\$\(not a shell\)/);

    await stack.setConfig({ note: "second" });
    assert.deepEqual(opsOf(succeeded(await stack.up()), "first"), ["update"]);
    assert.deepEqual(lines().slice(2), ["update second", "second second"]);

    const state = (): string => readFileSync(join(workDir, ".standin/test.json"), "utf8");
    assert.deepEqual(new Set(opsOf(succeeded(await stack.up()))), new Set(["same"]));
    assert.match(state(), /"stdin": \{[^}]*"ciphertext"/);
    assert.equal(state().includes("hunter2"), false);

    await stack.setConfig({ note: "third", trigger: "two" });
    const replaced = succeeded(await stack.up());
    assert.deepEqual(opsOf(replaced, "first"), ["create-replacement", "replace", "delete-replaced"]);
    assert.deepEqual(lines().slice(4), ["create third", "second third", "delete second"]);

    await stack.setConfig({ note: "fourth", failing: true, trigger: "three" });
    const failed = await stack.up();
    assert.deepEqual(
      [failed.ok, opsOf(failed, "first"), opsOf(failed, "second"), opsOf(failed, "argv")],
      [false, ["create-replacement failed"], [], ["same"]],
    );
    assert.match(failed.output, /exit status 3: running "[^\n]*exit 3":\nreason/);

    succeeded(await stack.destroy());
    assert.deepEqual(lines().slice(7), ["delete third"]);
    for (const file of ["Pulumi.test.yaml", ".standin/test.json", "events-up.jsonl"]) {
      assert.equal(readFileSync(join(workDir, file), "utf8").includes("hunter2"), false, file);
    }
    for (const { output } of [created, replaced, failed]) assert.equal(output.includes("hunter2"), false);
  });

  const refused: [string, Record<string, unknown>, RegExp][] = [
    [
      "a program's own error comes without a stack",
      { fault: "run-error" },
      /error: version: expected vMAJOR\.MINOR\.PATCH\nResources/,
    ],
    ["a bug comes with one", { fault: "crash" }, /TypeError: a bug in the program\n\s+at /],
    [
      "an unknown provider option",
      { fault: "provider-option" },
      /does not know provider option upsertExistingObjects/,
    ],
    [
      "an unknown resource type",
      { fault: "resource-type" },
      /does not know resource type kubernetes:core\/v1:Secret/,
    ],
    ["a hook", { fault: "hooks" }, /does not know option hooks/],
    ["a replacement trigger", { fault: "replacement-trigger" }, /does not know option replacementTrigger/],
    [
      "a cluster that cannot be reached",
      { fault: "unreachable", server: nobody },
      /configured Kubernetes cluster is unreachable: .*ECONNREFUSED/,
    ],
    ["a config value that is missing", {}, /Stack 'test' is missing configuration value 'fault'/],
  ];
  for (const [what, config, message] of refused) {
    test(`${what}: an error, and not exit code 0`, async () => {
      const { stack } = await open("faulty", config);
      const { ok, output } = await stack.up();
      assert.equal(ok, false);
      assert.match(output, message);
    });
  }
});
