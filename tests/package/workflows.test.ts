/** The workflows of this repository, and those that it shows. */
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { suite, test } from "node:test";
import { parse } from "yaml";
import { releaseNotes } from "../../package/notes.ts";

const root = join(import.meta.dirname, "..", "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly if?: string;
  readonly uses?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly "timeout-minutes"?: number;
  readonly steps?: readonly Step[];
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: object;
  readonly jobs: Readonly<Record<string, Job>>;
}

const workflows = globSync(["{.github/workflows,examples/github}/*.yml"], { cwd: root }).map((path) => ({
  path,
  text: read(path),
  workflow: parse(read(path)) as Workflow,
}));
const jobs = workflows.flatMap(({ path, workflow }) =>
  Object.entries(workflow.jobs).map(([name, job]) => ({ path, where: `${path}, ${name}`, name, job })),
);
const steps = jobs.flatMap(({ where, job }) => (job.steps ?? []).map((step) => ({ where, step })));

suite("workflows", () => {
  test("are those that are looked at here", () => {
    assert.deepEqual(workflows.map(({ path }) => path).sort(), [
      ".github/workflows/preview.yml",
      ".github/workflows/release.yml",
      "examples/github/restart.yml",
      "examples/github/wave.yml",
    ]);
  });

  test("have the least rights: each job its own, and none but the release writes", () => {
    for (const { path, workflow } of workflows) assert.deepEqual(workflow.permissions, {}, path);
    const writing = jobs.filter(({ job }) => job.permissions?.["contents"] !== "read");
    assert.deepEqual(
      writing.map(({ where, job }) => [where, job.permissions]),
      [[".github/workflows/release.yml, release", { contents: "write" }]],
    );
    for (const { where, job } of jobs) {
      assert.deepEqual(Object.keys(job.permissions ?? {}), ["contents"], where);
    }
    // The one that writes runs nothing that is in the repository or its packages.
    const [{ job } = assert.fail("no job")] = writing;
    assert.ok(!job.steps?.some(({ uses = "", run = "" }) => /checkout|\b(npm|node|\.ci)\b/.test(uses + run)));
  });

  test("take actions by the commit of a version, each the same everywhere", () => {
    const used = workflows.flatMap(({ path, text }) =>
      [...text.matchAll(/uses: (?!\.\/)(.*)$/gm)].map(([, action = ""]) => {
        const [, name = "", commit = ""] =
          /^([\w-]+\/[\w-]+)@([0-9a-f]{40}) # v\d+\.\d+\.\d+$/.exec(action) ?? [];
        assert.notEqual(commit, "", `${path}: ${action}`);
        return [name, commit] as const;
      }),
    );
    const commits = Map.groupBy(used, ([name]) => name);
    for (const [name, all] of commits) assert.equal(new Set(all.map(([, commit]) => commit)).size, 1, name);
    for (const { path, job } of jobs.filter(({ job }) => job.uses !== undefined)) {
      assert.ok(existsSync(join(root, dirname(path), basename(job.uses ?? ""))), job.uses);
    }
  });

  test("keep no token where code runs, and splice nothing into a shell", () => {
    for (const { where, step } of steps) {
      if (step.uses?.startsWith("actions/checkout") === true) {
        assert.equal(step.with?.["persist-credentials"], false, where);
      }
      assert.doesNotMatch(step.run ?? "", /\$\{\{/, where);
    }
  });

  test("show no secret to the code of other repositories", () => {
    for (const { path, text, workflow } of workflows) {
      assert.ok(!("pull_request_target" in workflow.on), path);
      if (!("pull_request" in workflow.on)) continue;
      const trusted = /head\.repo\.full_name == github\.repository/;
      const withSecrets = Object.values(workflow.jobs).filter((job) =>
        JSON.stringify(job).includes("secrets."),
      );
      assert.ok(withSecrets.length > 0 === text.includes("secrets."), path);
      for (const job of withSecrets) assert.match(job.if ?? "", trusted, path);
    }
  });

  test("end, run the scripts that there are, and on the project's Node.js", () => {
    const { scripts, devDependencies } = JSON.parse(read("package.json")) as {
      scripts: Record<string, string>;
      devDependencies: Record<string, string>;
    };
    assert.equal(read(".node-version").trim(), devDependencies["node"]);
    for (const { where, job } of jobs.filter(({ job }) => job.uses === undefined)) {
      assert.equal(typeof job["timeout-minutes"], "number", where);
    }
    const named = steps.flatMap(({ step }) => [...(step.run ?? "").matchAll(/npm run ([\w:-]+)/g)]);
    assert.ok(named.length > 0);
    for (const [, script = ""] of named) assert.ok(script in scripts, script);
    for (const { where, step } of steps) {
      if (step.uses?.startsWith("actions/setup-node") === true) {
        assert.equal(step.with?.["node-version-file"], ".node-version", where);
      }
      for (const [, file = ""] of (step.run ?? "").matchAll(/(?:node |^)((?:package|\.ci)\/\S+)/gm)) {
        assert.ok(existsSync(join(root, file)), file);
      }
    }
  });
});

suite("a release", () => {
  const changelog =
    "# Changelog\n\n## Unreleased\n\n- later\n\n## 1.2.3 - 2026-11-26\n\n- new\n\n## 1.2.2\n\n- old\n";

  test("says what is new in its version, and no more", () => {
    assert.equal(releaseNotes("v1.2.3", "1.2.3", changelog), "- new\n");
  });

  test("is refused where the tag, the version or the changelog is of another one", () => {
    assert.throws(() => releaseNotes("v1.2.4", "1.2.3", changelog), /tag v1\.2\.4: .* tag v1\.2\.3$/);
    assert.throws(() => releaseNotes("1.2.3", "1.2.3", changelog), /tag 1\.2\.3/);
    assert.throws(() => releaseNotes("v1.3.0", "1.3.0", changelog), /nothing of 1\.3\.0/);
    // A version that another one begins with, and a heading without a word below it.
    assert.throws(() => releaseNotes("v1.2", "1.2", changelog), /nothing of 1\.2;/);
    assert.throws(
      () => releaseNotes("v2.0.0", "2.0.0", "## 2.0.0\n\n## 1.0.0\n\n- old"),
      /nothing of 2\.0\.0/,
    );
    assert.throws(() => releaseNotes("v1", "2.0.0", changelog), /tag v1[^]*nothing of 2\.0\.0/);
  });

  test("has been made of the version before this one", () => {
    assert.notEqual(releaseNotes("v0.1.0", "0.1.0", read("CHANGELOG.md")), "");
  });
});
