import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Engine, type Result, type Stack } from "../engine/index.ts";

const root = join(import.meta.dirname, "..", "..");

/** What of the repository a plugin takes; its packages are linked. */
const ofPlugin = ["commands", "components", "plugin", "package.json"];

/** A folder of a test's own with programs and plugins, as users have them. */
export class Programs {
  readonly folder = mkdtempSync(join(tmpdir(), "kube-proxy-plugin-"));
  readonly #engine: Engine;
  readonly #stacks: Stack[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The plugin in a folder of its own, of another version where one is given. */
  plugin(name: string, version?: string): string {
    const folder = join(this.folder, name);
    mkdirSync(folder);
    for (const one of ofPlugin) cpSync(join(root, one), join(folder, one), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    const manifest = join(folder, "package.json");
    const { version: own, ...others } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
    writeFileSync(manifest, JSON.stringify({ ...others, version: version ?? own }));
    return join(folder, "plugin");
  }

  /**
   * A program in a folder of its own.
   *
   * @param example - which of the examples
   * @param edit - what is different about its Pulumi.yaml
   */
  program(
    name: string,
    example: string,
    plugin: string,
    edit: (yaml: string) => string = (yaml) => yaml,
  ): string {
    const folder = join(this.folder, name);
    cpSync(join(root, "examples", example), folder, { recursive: true });
    const file = join(folder, "Pulumi.yaml");
    const yaml = readFileSync(file, "utf8").replace("kube-proxy: ../../plugin", `kube-proxy: ${plugin}`);
    writeFileSync(file, edit(yaml));
    return folder;
  }

  /** A stack of a program; with the state of another one's where it has the same work folder. */
  async open(
    projectDir: string,
    config: Record<string, unknown>,
    { workDir = `${projectDir}-state`, env = {} }: { workDir?: string; env?: Record<string, string> } = {},
  ): Promise<Stack> {
    const stack = await this.#engine.open({ stack: "dev", workDir, projectDir, config, env });
    this.#stacks.push(stack);
    return stack;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#stacks.map((stack) => stack.dispose()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The result of an operation that has to succeed. */
export async function succeeding(operation: Promise<Result>): Promise<Result> {
  const result = await operation;
  if (!result.ok) throw new Error(result.output);
  return result;
}
