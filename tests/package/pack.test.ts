/** The npm package, packed and installed in an empty folder, whose dependencies are this repository's. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, suite, test } from "node:test";
import { makePackage } from "../../package/make.ts";

const root = join(import.meta.dirname, "..", "..");

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly scripts?: object;
  readonly dependencies: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
}

const manifestIn = (folder: string) =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;

/** Prints the inputs of each command that a component registers, and the cluster's facts: an error, as there is none. */
const program = `
  import * as pulumi from "@pulumi/pulumi";
  import { askFacts, KubeProxy } from "kube-proxy";

  await pulumi.runtime.setMocks({
    newResource: ({ name, type, inputs }) => {
      if (type === "command:local:Command") console.log(JSON.stringify(inputs));
      return { id: name, state: { ...inputs, metadata: { uid: "uid", ...inputs.metadata } } };
    },
    call: () => ({}),
  }, "project", "stack", false, "organization");
  new KubeProxy("kube-proxy", {
    kubernetesVersion: "v1.37.2",
    controlPlaneEndpoint: "api.example.com:6443",
    podSubnet: "10.244.0.0/16",
    restart: "initial",
  });
  await pulumi.runtime.disconnect();
  await askFacts({ kubeconfig: "/nowhere" }).catch((error: unknown) => {
    console.error(String(error));
  });
`;

suite("the npm package", () => {
  const folder = mkdtempSync(join(tmpdir(), "kube-proxy-package-"));
  after(() => {
    rmSync(folder, { recursive: true });
  });
  const [made, user] = [join(folder, "made"), join(folder, "user")];
  const installed = join(user, "node_modules", "kube-proxy");
  let files: readonly string[];
  let manifest: Manifest;
  let declared: readonly string[];
  // Here and not above: what throws there fails no test.
  before(() => {
    makePackage(made);
    const packing = ["pack", made, "--json", "--pack-destination", folder];
    const [packed] = JSON.parse(execFileSync("npm", packing, { encoding: "utf8", stdio: "pipe" })) as [
      { filename: string; files: { path: string }[] },
    ];
    files = packed.files.map(({ path }) => path);
    mkdirSync(installed, { recursive: true });
    execFileSync("tar", [
      ...["--extract", "--file", join(folder, packed.filename)],
      ...["--directory", installed, "--strip-components", "1"],
    ]);
    manifest = manifestIn(installed);
    declared = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)];
    // A user's own compiler has the last one.
    for (const name of [...declared, "@types/node"]) {
      mkdirSync(dirname(join(user, "node_modules", name)), { recursive: true });
      symlinkSync(join(root, "node_modules", name), join(user, "node_modules", name));
    }
    writeFileSync(join(user, "package.json"), JSON.stringify({ type: "module" }));
  });

  test("has the component, its commands and the pages, and nothing else", () => {
    const isCompiled = (path: string) => /^(components|commands)\/.*(?<!\.ts)\.(d\.ts|js)$/.test(path);
    const isPage = (path: string) => path.startsWith("docs/");
    assert.deepEqual(files.filter((path) => !isCompiled(path) && !isPage(path)).sort(), [
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "components/cluster/modeSwitch/carried.sh",
      "components/cluster/modeSwitch/clearServers.sh",
      "components/cluster/modeSwitch/clearSets.sh",
      "components/configuration/featureGates.json",
      "package.json",
    ]);
    const commands = files.filter((path) => /^commands\/.*\.js$/.test(path));
    const sources = globSync("commands/*.ts", { cwd: root });
    assert.deepEqual(
      commands.sort(),
      sources
        .filter(
          (path) => !["commands/fleet.ts", "commands/monitoring.ts", "commands/start.ts"].includes(path),
        )
        .map((path) => path.replace(/ts$/, "js"))
        .sort(),
    );
  });

  test("is of the repository's version, runs no script, and declares just what it imports", () => {
    assert.equal(manifest.name, "kube-proxy");
    assert.equal(manifest.version, manifestIn(root).version);
    assert.equal(manifest.scripts, undefined);
    const imported = globSync("**/*.js", { cwd: installed }).flatMap((file) =>
      [
        ...readFileSync(join(installed, file), "utf8").matchAll(
          /(?:^(?:import|export|\}) [^(\n]*from |[^#]import\()"([^."][^"]*)"/gm,
        ),
      ].map(([, specifier = ""]) => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? ""),
    );
    const packages = imported.filter((name) => !name.startsWith("node:"));
    assert.deepEqual([...new Set(packages)].sort(), declared.toSorted());
  });

  test("has types for a program, as its README shows one", () => {
    const readme = readFileSync(join(installed, "README.md"), "utf8");
    const [, shown = ""] = /```ts\n(.*?)```/s.exec(readme) ?? [];
    writeFileSync(join(user, "readme.ts"), shown);
    writeFileSync(join(user, "program.ts"), program);
    writeFileSync(
      join(user, "wrong.ts"),
      `import { KubeProxy } from "kube-proxy"; new KubeProxy("kube-proxy", { kubernetesVersion: 1 });`,
    );
    const compilerOptions = {
      ...{ strict: true, noEmit: true, skipLibCheck: true },
      ...{ target: "es2022", module: "nodenext", types: ["node"] },
    };
    writeFileSync(join(user, "tsconfig.json"), JSON.stringify({ compilerOptions }));
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    const { stdout } = spawnSync(process.execPath, [tsc, "--project", user, "--pretty", "false"], {
      cwd: user,
      encoding: "utf8",
    });
    const errors = stdout.split("\n").filter((line) => /^\S.*error TS/.test(line));
    assert.deepEqual(
      errors.map((line) => line.split("(")[0]),
      ["wrong.ts"],
      stdout,
    );
    assert.match(stdout, /'number' is not assignable to type 'Input<string>'/);
  });

  test("runs, and what it registers has no path of the machine", () => {
    writeFileSync(join(user, "program.ts"), program);
    const { status, stdout, stderr } = spawnSync(process.execPath, ["program.ts"], {
      cwd: user,
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
    for (const place of [folder, root, tmpdir()]) assert.ok(!stdout.includes(place), place);
    const scripts = stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { interpreter: string[] }).interpreter)
      .map((interpreter) => interpreter.find((word) => word.endsWith(".js")) ?? interpreter.join(" "));
    assert.deepEqual(scripts.sort(), [
      "node_modules/kube-proxy/commands/clear.js",
      "node_modules/kube-proxy/commands/layout.js",
      "node_modules/kube-proxy/commands/orphans.js",
      "node_modules/kube-proxy/commands/snapshot.js",
      "node_modules/kube-proxy/commands/testNamespace.js",
      "node_modules/kube-proxy/commands/testService.js",
      "node_modules/kube-proxy/commands/verify.js",
    ]);
    for (const script of scripts) assert.ok(globSync(script, { cwd: user }).length === 1, script);
    // Its process ran, without a cluster.
    assert.match(stderr, /the cluster cannot be read: .*\/nowhere/);
    assert.doesNotMatch(stderr, /ERR_|Cannot find/);
  });

  test("can be required, as the programs of Pulumi's templates do", () => {
    const code = 'console.log(typeof require("kube-proxy").KubeProxy)';
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=commonjs", "--eval", code], {
      cwd: user,
      encoding: "utf8",
    });
    assert.equal(stdout.trim(), "function", stderr);
  });
});
