/** The choice of an engine, and what the real CLI is asked: with a fake `pulumi` on a PATH of its own. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";

import { parse } from "yaml";

import { cliEngine } from "./cli.ts";
import type { Call, FakePulumi } from "./fixtures/fakePulumi.ts";
import { chooseEngine, Secret, type Stack } from "./index.ts";
import { Crypter } from "./secrets.ts";

const root = mkdtempSync(join(tmpdir(), "kube-proxy-engine-test-"));
after(() => {
  rmSync(root, { recursive: true });
});

const projectDir = fileURLToPath(new URL("fixtures/agent", import.meta.url));
const fakeProgram = fileURLToPath(new URL("fixtures/fakePulumi.ts", import.meta.url));
const ours = { kubernetes: "4.34.2", command: "1.2.1" };
const plugins = Object.entries(ours).map(([name, version]) => ({ name, version }));
const limits = { idleMs: 1_000, totalMs: 5_000 };

/** A folder for PATH with a fake CLI in it, and what it was called with. */
function fakeCli(fake: Omit<FakePulumi, "calls">): {
  path: string;
  file: string;
  calls: () => Call[];
} {
  const folder = mkdtempSync(join(root, "path-"));
  const calls = join(folder, "calls");
  const settings = JSON.stringify({ ...fake, calls });
  const file = join(folder, "pulumi");
  const script = `#!/bin/sh\nFAKE_PULUMI='${settings}' exec '${process.execPath}' '${fakeProgram}' "$@"\n`;
  writeFileSync(file, script, { mode: 0o755 });
  const read = (): Call[] => {
    if (!existsSync(calls)) return [];
    return readFileSync(calls, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Call);
  };
  return { path: [folder, "/usr/bin", "/bin"].join(delimiter), file, calls: read };
}

const commandsOf = (calls: Call[]): string[] => calls.map(({ args }) => args.join(" "));

describe("the choice", () => {
  test("a CLI with both plugins is taken, and nothing is downloaded", async () => {
    const { path, file, calls } = fakeCli({ version: "v3.260.0", plugins });
    const engine = await chooseEngine({ forced: "", path, limits });
    assert.equal(engine.kind, "cli");
    assert.equal(engine.description, `engine: Pulumi CLI v3.260.0, from PATH: ${file}`);
    assert.deepEqual(commandsOf(calls()), ["version", "plugin ls --json"]);
  });

  test("a missing plugin is fetched in the version of the installed SDK", async () => {
    const { path, calls } = fakeCli({
      version: "v3.260.0",
      plugins: [{ name: "kubernetes", version: "4.1.0" }],
    });
    assert.equal((await chooseEngine({ forced: "", path, limits })).kind, "cli");
    assert.deepEqual(commandsOf(calls()).slice(2), [
      "plugin install resource kubernetes 4.34.2",
      "plugin install resource command 1.2.1",
    ]);
  });

  test("a plugin on PATH need not be fetched", async () => {
    const { path, calls } = fakeCli({ version: "v3.260.0", plugins: plugins.slice(1) });
    writeFileSync(join(path.split(delimiter)[0] ?? "", "pulumi-resource-kubernetes"), "", {
      mode: 0o755,
    });
    assert.equal((await chooseEngine({ forced: "", path, limits })).kind, "cli");
    assert.deepEqual(commandsOf(calls()), ["version", "plugin ls --json"]);
  });

  test("the user's login is not used, only the caches under PULUMI_HOME", async (t) => {
    const before = process.env;
    process.env = { ...before, PULUMI_HOME: "/home/of/pulumi", PULUMI_ACCESS_TOKEN: "token" };
    t.after(() => (process.env = before));
    const { path, calls } = fakeCli({ version: "v3.260.0", plugins });
    await chooseEngine({ forced: "", path, limits });
    for (const { env } of calls()) {
      assert.equal(env["PULUMI_HOME"], "/home/of/pulumi");
      assert.equal(env["PULUMI_ACCESS_TOKEN"], undefined);
      assert.match(env["PULUMI_CREDENTIALS_PATH"] ?? "", /kube-proxy-engine/);
    }
  });

  const unusable: [string, Omit<FakePulumi, "calls">, RegExp][] = [
    ["a CLI that hangs", { hang: ["version"] }, /no sign of life for 1 s/],
    ["a CLI that fails", { fail: { version: "cannot execute" } }, /cannot execute/],
    ["something else of that name", { version: "moved to pulumi.example" }, /says version "moved/],
    [
      "a plugin that cannot be had",
      { version: "v3.260.0", fail: { "plugin install": "error: no network" } },
      /plugin install kubernetes 4\.34\.2: error: no network/,
    ],
    [
      "a plugin that never comes",
      { version: "v3.260.0", hang: ["plugin install"] },
      /plugin install .*no sign of life/,
    ],
  ];
  for (const [what, fake, reason] of unusable) {
    test(`${what} leaves the stand-in, with the reason in one line`, async () => {
      const { path } = fakeCli(fake);
      const engine = await chooseEngine({ forced: "", path, limits });
      assert.equal(engine.kind, "standin");
      assert.match(engine.description, reason);
      assert.equal(engine.description.includes("\n"), false);
    });
    test(`${what} is an error when the CLI is asked for`, async () => {
      const { path } = fakeCli(fake);
      await assert.rejects(
        chooseEngine({ forced: "cli", path, limits }),
        (error: Error) => error.message.startsWith("KUBE_PROXY_ENGINE=cli") && reason.test(error.message),
      );
    });
  }

  test("the stand-in, when asked for, is taken without a look at the CLI", async () => {
    const { path, calls } = fakeCli({ version: "v3.260.0", plugins });
    const engine = await chooseEngine({ forced: "standin", path, limits });
    assert.deepEqual([engine.kind, calls()], ["standin", []]);
  });

  test("another value names the key and what is accepted", async () => {
    await assert.rejects(
      chooseEngine({ forced: "pulumi" }),
      /KUBE_PROXY_ENGINE: "pulumi" is not accepted; set cli .* or standin/,
    );
  });

  test("npm's link on PATH is the npm package, not a CLI", async () => {
    const folder = mkdtempSync(join(root, "npm-"));
    writeFileSync(join(folder, "run.js"), "throw new Error('not to be run');", { mode: 0o755 });
    symlinkSync(join(folder, "run.js"), join(folder, "pulumi"));
    const { path, file } = fakeCli({ version: "v3.260.0", plugins });
    const engine = await chooseEngine({ forced: "", path: [folder, path].join(delimiter), limits });
    assert.match(engine.description, new RegExp(file));
  });
});

describe("the CLI", () => {
  const metadata = (op: string): object => ({
    op,
    type: "kubernetes:core/v1:ConfigMap",
    urn: "urn:pulumi:dev::engine-agent::kubernetes:core/v1:ConfigMap::settings",
    old: null,
    new: { custom: true },
    detailedDiff: null,
  });
  const events = [
    { resourcePreEvent: { metadata: metadata("create") } },
    { resOutputsEvent: { metadata: metadata("create") } },
  ];

  async function open(
    fake: Omit<FakePulumi, "calls">,
    config = {},
  ): Promise<{ stack: Stack; workDir: string; calls: () => Call[] }> {
    const { file, calls } = fakeCli(fake);
    const workDir = join(mkdtempSync(join(root, "work-")), "stack");
    const stack = await cliEngine([file], "fake").open({
      stack: "dev",
      workDir,
      projectDir,
      config,
    });
    return { stack, workDir, calls };
  }

  test("the stack is made in the work folder, never beside the project", async () => {
    const { workDir, calls } = await open({});
    const [init] = calls();
    assert.deepEqual(init?.args, [
      ...["stack", "init", "--no-select", "--secrets-provider", "passphrase"],
      ...["--stack", "dev", "--non-interactive"],
    ]);
    assert.equal(init.cwd, workDir);
    assert.equal(
      (parse(readFileSync(join(workDir, "Pulumi.yaml"), "utf8")) as { name: string }).name,
      "engine-agent",
    );
    assert.equal(existsSync(join(projectDir, "Pulumi.dev.yaml")), false);
    const { env } = init;
    assert.equal(env["PULUMI_BACKEND_URL"], pathToFileURL(workDir).href);
    assert.equal(env["PULUMI_CREDENTIALS_PATH"], join(workDir, "credentials"));
    assert.equal(env["PULUMI_CONFIG_PASSPHRASE_FILE"], join(workDir, "passphrase"));
  });

  test("a stack that exists is opened, another failure is an error", async () => {
    await open({
      fail: { "stack init": "error: stack 'organization/engine-agent/dev' already exists" },
    });
    await assert.rejects(open({ fail: { "stack init": "error: disk full" } }), /disk full/);
  });

  test("operations run in the project, with the config file and an event log", async () => {
    const { stack, workDir, calls } = await open({ events });
    const up = await stack.up();
    await stack.preview();
    await stack.destroy();
    assert.deepEqual([up.ok, up.exitCode, up.output], [true, 0, "did up\n"]);
    assert.deepEqual(
      up.steps.map(({ op, status }) => [op, status]),
      [["create", "done"]],
    );
    const flags = (name: string): string[] => [
      ...["--stack", "dev", "--config-file", join(workDir, "Pulumi.dev.yaml")],
      ...["--event-log", join(workDir, `events-${name}.jsonl`), "--non-interactive", "--color", "never"],
    ];
    const operations = calls().slice(1);
    assert.deepEqual(
      operations.map(({ args }) => args),
      [
        ["up", "--yes", "--skip-preview", ...flags("up")],
        ["preview", ...flags("preview")],
        ["destroy", "--yes", "--skip-preview", ...flags("destroy")],
      ],
    );
    for (const { cwd, env } of operations)
      assert.deepEqual([cwd, env["PULUMI_DEBUG_COMMANDS"]], [projectDir, "true"]);
  });

  test("a failed operation is a result, not an exception", async () => {
    const { stack } = await open({ fail: { up: "error: update failed" } });
    const { ok, exitCode, output } = await stack.up();
    assert.deepEqual([ok, exitCode, output], [false, 1, "error: update failed\n"]);
  });

  test("kill ends the engine and its plugins, and cancel removes the lock", async () => {
    const { stack, calls } = await open({ hang: ["up"] });
    const running = stack.startUp();
    const plugin = await until(() => childrenOf(running.pid)[0]);
    running.kill();
    const { exitCode, ok } = await running.done;
    assert.deepEqual([ok, exitCode], [false, 137]);
    await until(() => !isAlive(plugin) || undefined);
    await stack.cancel();
    assert.deepEqual(calls().at(-1)?.args, ["cancel", "--yes", "--stack", "dev", "--non-interactive"]);
  });

  test("config is namespaced, secrets are encrypted, files are private", async () => {
    const { stack, workDir } = await open(
      {},
      {
        restart: "one",
        count: 3,
        list: ["a"],
        "aws:region": "x",
        token: new Secret("hunter2"),
        gone: 1,
      },
    );
    await stack.setConfig({ restart: "two", gone: undefined });
    const path = join(workDir, "Pulumi.dev.yaml");
    const text = readFileSync(path, "utf8");
    const { config, encryptionsalt } = parse(text) as {
      config: Record<string, unknown>;
      encryptionsalt: string;
    };
    const { "engine-agent:token": token, ...rest } = config;
    assert.deepEqual(rest, {
      "engine-agent:restart": "two",
      "engine-agent:count": 3,
      "engine-agent:list": ["a"],
      "aws:region": "x",
    });
    assert.equal(text.includes("hunter2"), false);
    const passphrase = readFileSync(join(workDir, "passphrase"), "utf8");
    assert.equal(
      new Crypter(passphrase, encryptionsalt).decrypt((token as { secure: string }).secure),
      "hunter2",
    );
    for (const file of [path, join(workDir, "passphrase")]) assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(workDir).mode & 0o777, 0o700);
  });
});

test("secrets are in Pulumi's own form: its test's salt opens with its test's passphrase", () => {
  const salt = "v1:fozI5u6B030=:v1:F+6ZduKKd8G0/V7L:PGMFeIzwobWRKmEAzUdaQHqC5mMRIQ==";
  const crypter = new Crypter("password", salt);
  assert.equal(crypter.decrypt(crypter.encrypt("ä secret")), "ä secret");
  assert.throws(() => new Crypter("wrong", salt), /incorrect passphrase/);
  assert.throws(() => crypter.decrypt("v1:x"), /bad secret/);
});

/** Asks until there is an answer. */
async function until<T>(ask: () => T | undefined): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const answer = ask();
    if (answer !== undefined) return answer;
    assert.ok(Date.now() < deadline, "no answer within 10 s");
    await sleep(20);
  }
}

function childrenOf(parent: number): number[] {
  const rows = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).split("\n");
  return rows
    .map((row) => row.trim().split(/\s+/).map(Number))
    .flatMap(([pid = 0, ppid]) => (ppid === parent ? [pid] : []));
}

function isAlive(pid: number): boolean {
  const state = spawnSync("ps", ["-o", "state=", "-p", String(pid)], {
    encoding: "utf8",
  }).stdout.trim();
  return state !== "" && !state.startsWith("Z");
}
