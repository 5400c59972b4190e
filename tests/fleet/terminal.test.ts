/** The command on a terminal: the table, the question, and Ctrl-C, which Pulumi under it must not hear. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { shellWord } from "../../components/input/printable.ts";
import { Project } from "./project.ts";

const { stdout } = spawnSync("script", ["--version"]) as { stdout: Buffer | null };
const isHere = stdout?.includes("util-linux") ?? false;

suite(
  "npm run fleet on a terminal",
  { skip: isHere ? false : "NOT TESTED: no script of util-linux here" },
  () => {
    const project = new Project(join(import.meta.dirname, "fixtures", "played"));
    const gate = join(project.folder, "gate");
    before(async () => {
      for (const stack of ["one", "two", "three"]) await project.addStack(stack);
      project.setConfig("one", { "played:gate": gate });
      project.setConfig("two", { "played:gate": gate });
      project.setFleet({
        waves: [
          { name: "first", stacks: ["one"], pause: "ask" },
          { name: "second", stacks: ["two", "three"] },
        ],
      });
    });
    after(() => {
      project.dispose();
    });

    /** The command under a pseudo-terminal; what is typed comes as keys. */
    function start(token: string) {
      const line = project.argv("restart", "--token", token).map(shellWord).join(" ");
      return project.start(["script", "-qec", line, "/dev/null"]);
    }

    test("draws what runs, asks before the next wave, and ends by Ctrl-C after the stack that runs", async () => {
      const started = start("T1");
      await started.said("STACK");
      await started.said("1 of 3");
      assert.match(started.output, /one +1 of 3/);
      writeFileSync(gate, "");
      await started.said("Go on with wave 2 of 2, second, 2 clusters? [y/n]");
      project.setConfig("two", { "played:gate": `${gate}-two` });
      started.type("x");
      started.type("y");
      await started.said("[y/n] yes");
      await started.said("two: begins");
      // With the proof of it, its update is under way for sure.
      await started.said("two    1 of 3");
      started.type("\u0003");
      await started.said("Ends after the stacks that run.");
      assert.doesNotMatch(started.output, /two: (done|FAILED|CANCELLED)/);
      writeFileSync(`${gate}-two`, "");
      assert.equal(await started.ended(), 1);
      assert.match(started.output, /two: done after \d+s, 3 of 3 nodes proved/);
      assert.match(started.output, /not reached: three/);
    });

    test("a question that is answered with no halts it", async () => {
      const started = start("T2");
      await started.said("[y/n]");
      started.type("n");
      assert.equal(await started.ended(), 1);
      assert.match(started.output, /HALTED at wave second: the question before it was not answered with yes/);
    });

    test("without a terminal nobody can answer: it halts, or goes on by --yes", async () => {
      const { exitCode, output } = await project.fleet("restart", "--token", "T2");
      assert.equal(exitCode, 1);
      assert.match(output, /\[y\/n\] no: there is no terminal to answer at; --yes answers with yes/);
      assert.equal((await project.fleet("restart", "--token", "T2", "--yes")).exitCode, 0);
    });
  },
);
