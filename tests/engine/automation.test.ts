/** The stand-in under Pulumi's Automation API, which sends it the command lines of the CLI and reads its formats. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import {
  CommandError,
  ConcurrentUpdateError,
  type EngineEvent,
  LocalWorkspace,
  PulumiCommand,
  type Stack,
  StackAlreadyExistsError,
  StackNotFoundError,
} from "@pulumi/pulumi/automation/index.js";
import { Project } from "../fleet/project.ts";

suite("the stand-in under the Automation API", () => {
  const project = new Project(join(import.meta.dirname, "..", "fleet", "fixtures", "played"));
  let workspace: LocalWorkspace;
  let stack: Stack;
  before(async () => {
    const pulumiCommand = await PulumiCommand.get({ root: project.folder });
    const envVars = project.env as Record<string, string>;
    workspace = await LocalWorkspace.create({
      workDir: join(project.folder, "program"),
      pulumiCommand,
      envVars,
    });
    const args = { stackName: "one", workDir: workspace.workDir };
    stack = await LocalWorkspace.createOrSelectStack(args, { pulumiCommand, envVars });
  });
  after(() => {
    project.dispose();
  });

  test("makes stacks, selects and lists them, and says which are not there", async () => {
    await workspace.createStack("two");
    const current = async () => (await workspace.listStacks()).map((one) => [one.name, one.current]);
    assert.deepEqual(await current(), [
      ["one", false],
      ["two", true],
    ]);
    await workspace.selectStack("one");
    assert.equal((await workspace.stack())?.name, "one");
    await assert.rejects(workspace.createStack("two"), StackAlreadyExistsError);
    await assert.rejects(workspace.selectStack("none"), StackNotFoundError);
    assert.match(String((await workspace.whoAmI()).url), /^file:\/\//);
  });

  test("keeps config, with secrets as secrets", async () => {
    await stack.setConfig("restart", { value: "--T=1" });
    await stack.setAllConfig({ hidden: { value: "a=b", secret: true }, other: { value: "5" } });
    assert.deepEqual(await stack.getConfig("restart"), { value: "--T=1", secret: false });
    assert.deepEqual(await stack.getAllConfig(), {
      "played:restart": { value: "--T=1", secret: false },
      "played:hidden": { value: "a=b", secret: true },
      "played:other": { value: "5", secret: false },
    });
    await assert.rejects(stack.getConfig("none"), CommandError);
  });

  test("previews, updates with its events, and keeps outputs and history", async () => {
    assert.deepEqual(await stack.history(), []);
    assert.equal((await stack.preview()).changeSummary.create, 2);
    const events: EngineEvent[] = [];
    const { summary, outputs } = await stack.up({ message: "first", onEvent: (event) => events.push(event) });
    assert.deepEqual(outputs, { restart: { value: "--T=1", secret: false } });
    assert.deepEqual(
      events.map(({ sequence }) => sequence),
      events.map((_, index) => index),
    );
    const said = events.flatMap(({ diagnosticEvent }) => diagnosticEvent?.message ?? []);
    assert.ok(said.some((message) => message.includes("3 of 3 nodes verified")));
    assert.equal(events.at(-1)?.summaryEvent?.resourceChanges.create, 2);
    const { kind, result, message, config, startTime, endTime, environment } = summary;
    assert.deepEqual([kind, result, message], ["update", "succeeded", "first"]);
    assert.equal(environment["exec.kind"], "auto.local");
    assert.equal(config["played:restart"]?.value, "--T=1");
    assert.ok(startTime <= endTime);
    assert.ok(Date.now() - endTime.getTime() < 60_000);
    assert.deepEqual(config["played:hidden"], { value: "a=b", secret: true });
    assert.deepEqual((await stack.info(false))?.config["played:hidden"], { secret: true });
  });

  test("an update that fails is in the history, and keeps the outputs of the one before", async () => {
    await stack.setAllConfig({ restart: { value: "T2" }, fault: { value: "proof" } });
    await assert.rejects(stack.up({ color: "never" }), /2 of 3 nodes verified/);
    assert.equal((await stack.info())?.result, "failed");
    assert.equal((await stack.history(1)).length, 1);
    assert.equal((await stack.history()).length, 2);
  });

  test("one update at a time, and cancel takes the lock of one that was killed", async () => {
    await stack.setAllConfig({ fault: { value: "" }, gate: { value: join(project.folder, "never") } });
    const { promise: isRunning, resolve } = Promise.withResolvers<undefined>();
    const end = new AbortController();
    const first = stack.up({
      signal: end.signal,
      onEvent: ({ diagnosticEvent }) => {
        if (diagnosticEvent !== undefined) resolve(undefined);
      },
    });
    const failed = assert.rejects(first, CommandError);
    await isRunning;
    await assert.rejects(stack.up(), ConcurrentUpdateError);
    end.abort();
    await failed;
    await stack.cancel();
  });

  test("what the CLI does not know is refused", async () => {
    await assert.rejects(stack.up({ parallel: 3 }), CommandError);
    await assert.rejects(workspace.setTag("one", "a", "b"), CommandError);
  });
});
