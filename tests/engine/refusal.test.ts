/** What a user reads where the component refuses its arguments: on the stand-in, which has Pulumi's own SDK behind it. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import type { Result } from "./index.ts";
import { standinEngine } from "./standin.ts";

const root = mkdtempSync(join(tmpdir(), "kube-proxy-refusal-"));
const projectDir = join(import.meta.dirname, "fixtures", "refused");
after(() => {
  rmSync(root, { recursive: true });
});

/** Runs `up` and `preview` of a component with such arguments. */
async function runs(config: Readonly<Record<string, unknown>>): Promise<Result[]> {
  const workDir = mkdtempSync(join(root, "stack-"));
  const stack = await standinEngine("test").open({ stack: "test", workDir, projectDir, config });
  return [await stack.preview(), await stack.up()];
}

/** The run failed, the text is in its output once, and nothing but the component was registered. */
function refused({ ok, output, steps }: Result, ...texts: string[]): void {
  assert.ok(!ok, output);
  for (const text of texts) {
    assert.equal(output.split(text).length - 1, 1, `${text}\nonce in:\n${output}`);
  }
  assert.doesNotMatch(output, /error serializing|^\s+at .*\.[jt]s:\d+|Running program/m);
  assert.deepEqual(
    steps.map(({ name }) => name).filter((name) => !["engine-refused-test", "kube-proxy"].includes(name)),
    [],
  );
}

suite("what the component refuses, Pulumi prints once and as it was said", () => {
  test("mistakes in plain arguments, in outputs and in secrets", async () => {
    const plain = { restart: "", pools: [{ name: "canary" }] };
    const hidden = { configuration: { mod: "hidden" }, env: ["hidden"] };
    for (const run of await runs({ plain, hidden })) {
      refused(
        run,
        "error: 3 problems in the arguments of KubeProxy; nothing was changed:\n",
        "  configuration.mod: unknown key; did you mean mode?\n",
        "  restart: ",
        "  env[0]: ",
      );
      assert.doesNotMatch(run.output, /hidden/);
    }
  });

  test("where the program has ended before, with no output to wait for", async () => {
    for (const run of await runs({ plain: { restart: "" }, exports: false })) {
      refused(run, "error: 1 problem in the arguments of KubeProxy; nothing was changed:\n", "  restart: ");
    }
  });

  test("arguments that need facts of a program that gives none, which is a mistake in it", async () => {
    for (const run of await runs({ plain: { adopt: true, clusterId: "1", hold: ["rest"] } })) {
      refused(
        run,
        "error: 3 problems in the arguments of KubeProxy; nothing was changed:\n",
        "  adopt: means something only with what the cluster says: give the component its facts, by askFacts",
        "  clusterId: means ",
        "  hold: means ",
      );
    }
  });

  test("a cluster that has not answered all that they need, which is none", async () => {
    const facts = { nodes: [], daemonSets: [], configMaps: [], helpers: [] };
    const unread = {
      nodes: "no answer in time",
      namespace: "403 namespaces is forbidden",
      webhooks: "500 no",
    };
    const plain = { adopt: true, clusterId: "1", facts: { ...facts, unread } };
    for (const run of await runs({ plain })) {
      refused(
        run,
        "error: 2 problems in reading the cluster; nothing was changed:\n",
        "  the nodes: cannot be read, which adopt cannot do without: no answer in time; run it again once ",
        "  Namespace kube-system: cannot be read, which adopt and clusterId cannot do without: 403 namespaces is " +
          "forbidden; use a user with the rights in docs/rbac.md\n",
      );
      assert.doesNotMatch(run.output, /problems? in the arguments/);
    }
  });
});
