/** An import against the floors of the house makes `npm run check` fail; see docs/development.md. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { suite, test } from "node:test";

const root = join(import.meta.dirname, "..");
const page = readFileSync(join(root, "docs", "development.md"), "utf8");

/** A file of each room, from the roof down. */
const rooms = [...(/^\| room .*?\n\n/ms.exec(page)?.[0] ?? "").matchAll(/^\| `(.*?)` /gm)].map(
  ([, room = ""]) => `components/${room.endsWith("/") ? `${room}room.ts` : room}`,
);
const above = (index: number): string => rooms[index - 1] ?? "";

/** Checks a project whose files have these imports: of each other by path, else of packages. */
function check(files: Readonly<Record<string, readonly string[]>>): {
  code: number | null;
  broken: string[];
} {
  const folder = mkdtempSync(join(tmpdir(), "rooms-"));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  try {
    cpSync(join(root, "tsconfig.json"), join(folder, "tsconfig.json"));
    for (const name of ["@pulumi/pulumi", "@kubernetes/client-node"]) {
      write(`node_modules/${name}/package.json`, JSON.stringify({ name, main: "index.js" }));
      write(`node_modules/${name}/index.js`, "");
    }
    for (const [path, imports] of Object.entries(files)) {
      const names = imports.map((to) => (to.endsWith(".ts") ? `./${relative(dirname(path), to)}` : to));
      // Types only: who names another room's type knows that room.
      write(path, [...names.map((name) => `import type {} from "${name}";`), "export {};"].join("\n"));
    }
    const cli = join(root, "node_modules", ".bin", "depcruise");
    const config = join(root, "dependency-cruiser.config.js");
    const args = [
      cli,
      "--config",
      config,
      ...new Set(Object.keys(files).map((path) => path.split("/")[0] ?? "")),
    ];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
    assert.equal(stderr, "");
    const broken = [...stdout.matchAll(/^\s*error (\S+): (\S+)/gm)].map(
      ([, rule, from]) => `${rule}: ${from}`,
    );
    return { code: status, broken: broken.sort() };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

suite("the rooms", () => {
  test("may import from every room below", () => {
    const below = Object.fromEntries(rooms.map((room, index) => [room, rooms.slice(index + 1)]));
    const result = check({
      ...below,
      "components/resources/children.ts": ["components/resources/room.ts", "@pulumi/pulumi"],
      "components/cluster/client.ts": ["@kubernetes/client-node"],
      "commands/verify.ts": ["components/cluster/room.ts"],
    });
    assert.deepEqual(result, { code: 0, broken: [] });
  });

  test("may not import from the room above, run in circles, or know what is not theirs", () => {
    const upwards = Object.fromEntries(rooms.map((room, index) => [room, index === 0 ? [] : [above(index)]]));
    const others: Record<string, readonly [rule: string, imports: string]> = {
      "components/attic/loft.ts": ["no-room-without-a-floor", "components/input/room.ts"],
      "components/index.ts": ["no-room-without-a-floor", "components/loose.ts"],
      "components/input/chicken.ts": ["no-circle", "components/input/egg.ts"],
      "components/kubeadm/tried.ts": ["components-stand-alone", "lab/index.ts"],
      "components/plan/engine.ts": ["pulumi-in-the-upper-rooms", "@pulumi/pulumi"],
      "components/cluster/engine.ts": ["pulumi-in-the-upper-rooms", "@pulumi/pulumi"],
      "components/pools/client.ts": ["only-cluster-talks-to-an-api-server", "@kubernetes/client-node"],
      "components/resources/client.ts": ["only-cluster-talks-to-an-api-server", "@kubernetes/client-node"],
      "commands/heavy.ts": ["fleet-for-those-who-use-it", "fleet/file.ts"],
      "fleet/rollout.ts": ["fleet-decides-before-it-acts", "fleet/run.ts"],
      "components/facts/typo.ts": ["resolvable", "components/facts/gone.ts"],
    };
    const { code, broken } = check({
      ...upwards,
      ...Object.fromEntries(Object.entries(others).map(([path, [, imports]]) => [path, [imports]])),
      "components/input/egg.ts": ["components/input/chicken.ts"],
      "components/loose.ts": [],
      "lab/index.ts": [],
      "fleet/file.ts": [],
      "fleet/run.ts": [],
    });
    const floors = rooms.slice(1).map((room) => {
      const [, name = ""] = /^components\/(\w+)/.exec(room) ?? [];
      return `floor-of-${name}: ${room}`;
    });
    const expected = [...floors, ...Object.entries(others).map(([path, [rule]]) => `${rule}: ${path}`)];
    assert.deepEqual(broken, expected.sort());
    assert.notEqual(code, 0);
  });
});
