/** The command on the stand-in, with a program that plays clusters. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { Project } from "./project.ts";

const fixture = join(import.meta.dirname, "fixtures", "played");
const stacks = ["canary", "eu-1", "eu-2", "eu-3"];
const waves = [
  { name: "canary", stacks: ["canary"] },
  { name: "rest", stacks: stacks.slice(1), concurrency: 2 },
];

suite("npm run fleet", () => {
  const project = new Project(fixture);
  before(async () => {
    for (const stack of stacks) await project.addStack(stack);
    project.setFleet({ waves });
  });
  after(() => {
    project.dispose();
  });

  test("restarts wave by wave, proves, and leaves out next time what is done", async () => {
    const { exitCode, output } = await project.fleet("restart", "--token", "T 1");
    assert.equal(exitCode, 0, output);
    const at = (text: string) => output.indexOf(text);
    assert.ok(at("canary: done after") < at("eu-1: begins (wave rest)"), output);
    assert.ok(at("eu-2: begins") < at("eu-3: begins"));
    assert.match(output, /^eu-3: done after \d+s, 3 of 3 nodes proved$/m);
    assert.match(output, /^4 of 4 clusters are done; 12 nodes were proved\.$/m);
    const { stdout } = await project.pulumi("stack", "output", "--json", "--stack", "eu-3");
    assert.deepEqual(JSON.parse(stdout), { restart: "T 1" });

    const again = await project.fleet("restart", "--token", "T 1");
    assert.equal(again.exitCode, 0);
    assert.match(again.output, /^Done before, and left out: canary, eu-1, eu-2, eu-3\.$/m);
    assert.doesNotMatch(again.output, /begins/);
  });

  test("halts at the first wave that fails, says why, and goes on where it was", async () => {
    project.setConfig("eu-1", { "played:fault": "proof" });
    const { exitCode, output } = await project.fleet("restart", "--token", "T2");
    assert.equal(exitCode, 1);
    assert.match(output, /^eu-1: FAILED after \d+s, 2 of 3 nodes proved\n {2}exit status 1: running /m);
    assert.match(output, /^HALTED at wave rest: more clusters have failed than it allows \(maxFailed\)\.$/m);
    // Two run at a time: what is not reached has kept its config.
    assert.match(output, /^ {2}not reached: eu-3$/m);
    const { stdout } = await project.pulumi("config", "get", "restart", "--json", "--stack", "eu-3");
    assert.equal((JSON.parse(stdout) as { value: string }).value, "T 1");

    project.setConfig("eu-1", {});
    const next = await project.fleet("restart", "--token", "T2");
    assert.equal(next.exitCode, 0, next.output);
    assert.match(next.output, /^Done before, and left out: canary, eu-2\.$/m);
    assert.deepEqual(next.output.match(/^\S+: begins/gm), ["eu-1: begins", "eu-3: begins"]);
  });

  test("a cluster that does not answer halts it, or is named and left out", async () => {
    project.setConfig("eu-1", { "played:fault": "unreachable" });
    const { exitCode, output } = await project.fleet("restart", "--token", "T3");
    assert.equal(exitCode, 1);
    assert.match(output, /^HALTED at wave rest: a cluster does not answer;/m);
    project.setFleet({ unreachable: "skip", waves });
    const skipped = await project.fleet("restart", "--token", "T3");
    assert.equal(skipped.exitCode, 1);
    assert.doesNotMatch(skipped.output, /HALTED/);
    assert.match(skipped.output, /^3 of 4 clusters are done/m);
    assert.match(skipped.output, /^ {2}DOES NOT ANSWER, nothing was changed: eu-1$/m);
    project.setConfig("eu-1", {});
    project.setFleet({ waves });
  });

  test("up leaves out what was updated with the same message; without one it updates all", async () => {
    const first = await project.fleet("up", "--message", "a new image");
    assert.equal(first.exitCode, 0, first.output);
    assert.equal(first.output.match(/: begins/g)?.length, 4);
    assert.doesNotMatch((await project.fleet("up", "--message", "a new image")).output, /: begins/);
    assert.equal((await project.fleet("up")).output.match(/: begins/g)?.length, 4);
  });

  test("a preview takes all, changes nothing, and says what there is to do", async () => {
    project.setConfig("canary", { "played:fault": "unreachable" });
    project.setConfig("eu-2", { "played:restart": "T9" });
    const { exitCode, output } = await project.fleet("preview");
    assert.equal(exitCode, 1);
    assert.match(output, /^eu-2: done after \d+s: to do: 1 replace$/m);
    assert.match(output, /^eu-3: done after \d+s: nothing to do$/m);
    assert.match(output, /^ {2}DOES NOT ANSWER, nothing was changed: canary$/m);
    project.setConfig("canary", {});
    project.setConfig("eu-2", {});
  });

  test("the stack that is selected in the folder stays selected, and no file of the command's own is left", async () => {
    await project.pulumi("stack", "select", "--stack", "eu-2");
    await project.fleet("restart", "--token", "T4");
    const { stdout } = await project.pulumi("stack", "ls", "--json");
    const current = (JSON.parse(stdout) as { name: string; current: boolean }[]).filter((one) => one.current);
    assert.deepEqual(
      current.map(({ name }) => name),
      ["eu-2"],
    );
  });

  test("--page tells of every stack", async () => {
    const page = join(project.folder, "page.html");
    const { output } = await project.fleet("restart", "--token", "<T5>", "--page", page);
    assert.ok(output.includes(`The reports: ${page}`), output);
    const html = readFileSync(page, "utf8");
    for (const stack of stacks)
      assert.match(html, new RegExp(`<th scope="row">${stack}</th><td>✔ done</td>`));
    assert.ok(html.includes("restart &#60;T5&#62;"));
    assert.doesNotMatch(html, /<script|<T5>/);
  });

  test("a signal ends it after the stacks that run", async () => {
    const gate = join(project.folder, "gate");
    project.setConfig("eu-1", { "played:gate": gate });
    project.setConfig("eu-2", { "played:gate": gate });
    const started = project.start(project.argv("restart", "--token", "T6"));
    await started.said("eu-2: begins");
    started.signal("SIGINT");
    await started.said("Ends after the stacks that run.");
    assert.doesNotMatch(started.output, /eu-1: done/);
    writeFileSync(gate, "");
    assert.equal(await started.ended(), 1);
    assert.match(started.output, /^eu-1: done after/m);
    assert.match(started.output, /^eu-2: done after/m);
    assert.match(started.output, /^ {2}not reached: eu-3\nHALTED at wave rest: the run was ended\.$/m);
  });

  test("a second signal has Pulumi cancel those, too, which a next run mends", async () => {
    const gate = join(project.folder, "never");
    project.setConfig("eu-3", { "played:gate": gate });
    const started = project.start(project.argv("restart", "--token", "T6"));
    await started.said("eu-3: begins");
    started.signal("SIGINT");
    await started.said("Ends after");
    started.signal("SIGINT");
    assert.equal(await started.ended(), 1);
    assert.match(started.output, /^eu-3: CANCELLED on its way/m);
    assert.ok(!existsSync(gate));
    project.setConfig("eu-3", {});
    assert.equal((await project.fleet("restart", "--token", "T6")).exitCode, 0);
  });

  test("stacks that are not there are named together, before anything is done", async () => {
    project.setFleet({ waves: [{ name: "all", stacks: ["canary", "gone", "lost"] }] });
    const { exitCode, output } = await project.fleet("restart", "--token", "T7");
    assert.equal(exitCode, 1);
    assert.match(output, /^2 problems in the fleet:\n {2}stacks: "gone" is .*\n {2}stacks: "lost" is /m);
    project.setFleet({ waves });
  });
});
