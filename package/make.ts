/** The npm package `kube-proxy`: the component and its commands as JavaScript, since Node.js takes no TypeScript below node_modules. */
import { spawnSync } from "node:child_process";
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

/** What package.json of the repository says that the package says, too. */
interface Manifest {
  readonly version: string;
  readonly description: string;
  readonly keywords: readonly string[];
  readonly license: string;
  readonly engines: Readonly<Record<"node", string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** Whose objects a program hands to the component: it has to have them once, whichever of these versions it is. */
const shared = ["@pulumi/kubernetes", "@pulumi/pulumi"];

/** Makes one file of the Kubernetes client when this repository is installed. The package runs no script, and loads its modules. */
const bundler = "esbuild";

/**
 * Writes the package into a folder, in the place of whatever is in it.
 *
 * @throws Error with what the compiler has found
 */
export function makePackage(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  compile(folder);
  // What the compiler does not take along.
  for (const file of [...globSync("components/**/*.sh", { cwd: root }), "docs", "CHANGELOG.md", "LICENSE"]) {
    cpSync(join(root, file), join(folder, file), { recursive: true });
  }
  cpSync(join(import.meta.dirname, "README.md"), join(folder, "README.md"));
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest(), undefined, 2)}\n`);
}

function compile(folder: string): void {
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const project = join(root, "tsconfig.package.json");
  const { status, stdout } = spawnSync(
    process.execPath,
    [compiler, "--project", project, "--outDir", folder],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`the package does not compile:\n${stdout}`);
}

function manifest(): object {
  const { version, description, keywords, license, engines, dependencies } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  ) as Manifest;
  const own = Object.entries(dependencies).filter(([name]) => name !== bundler);
  const isShared = ([name]: readonly [string, string]) => shared.includes(name);
  const [main, types] = ["./components/index.js", "./components/index.d.ts"];
  return {
    ...{ name: "kube-proxy", version, description, keywords, license },
    type: "module",
    // The first two are for programs whose compiler does not read the third.
    ...{ main, types, exports: { ".": { types, default: main }, "./package.json": "./package.json" } },
    engines: { node: engines.node },
    // As tried here; @pulumi/command's `latest` is older than the version that is used.
    dependencies: Object.fromEntries(own.filter((one) => !isShared(one))),
    peerDependencies: Object.fromEntries(own.filter(isShared).map(([name, tried]) => [name, `^${tried}`])),
  };
}
