/** Pulumi.yaml and the stack's config, with the CLI's checks in the CLI's words. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { parse } from "yaml";

import type { Crypter } from "../secrets.ts";

export type Scalar = string | number | boolean;

interface ConfigType {
  type?: string;
  items?: ConfigType;
  default?: unknown;
  value?: unknown;
  secret?: boolean;
}

/** A Pulumi project, as far as the stand-in knows one. */
export interface Project {
  name: string;
  folder: string;
  runtime: "nodejs" | "python" | "yaml";
  /** Of the Python program, or the one of the project. */
  virtualenv: string | undefined;
  /** Folders of plugins, by the names of their packages. */
  packages: Record<string, string>;
  /** Path of the program's first module. */
  main: string;
  config: Record<string, ConfigType>;
  /** Paths of modules that Node.js imports before Pulumi's SDK: `--import` in the runtime's `nodeargs`. */
  preloads: string[];
  /** Whether the cluster is read before anything is decided. */
  refresh: boolean;
}

/** @throws Error when a file is missing or the runtime is not Node. */
export function readProject(folder: string): Project {
  const yaml = parse(readFileSync(join(folder, "Pulumi.yaml"), "utf8")) as {
    name: string;
    runtime?: string | { name?: string; options?: { nodeargs?: string; virtualenv?: string } };
    packages?: Record<string, string>;
    main?: string;
    config?: Record<string, ConfigType | string>;
    options?: { refresh?: string };
  };
  const { name: runtime, options } = typeof yaml.runtime === "object" ? yaml.runtime : { name: yaml.runtime };
  if (runtime !== "nodejs" && runtime !== "python" && runtime !== "yaml")
    throw new Error(
      `Pulumi.yaml: runtime: the stand-in knows nodejs, python and yaml, got ${String(runtime)}`,
    );
  const manifest = join(folder, "package.json");
  const { main } = (existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")) : {}) as {
    main?: string;
  };
  const config = Object.entries(yaml.config ?? {}).map(([key, declared]) => [
    key.includes(":") ? key : `${yaml.name}:${key}`,
    // A bare value is the value of a key that is not declared.
    typeof declared === "object" ? declared : { value: declared },
  ]);
  const packages = Object.entries(yaml.packages ?? {}).map(([name, path]) => {
    if (!/^\.{0,2}\//.test(path))
      throw new Error(`packages.${name}: the stand-in knows folders, got ${path}`);
    return [name, resolve(folder, path)];
  });
  return {
    name: yaml.name,
    ...{ folder, runtime, virtualenv: options?.virtualenv },
    packages: Object.fromEntries(packages) as Record<string, string>,
    main: join(folder, yaml.main ?? main ?? "index.ts"),
    config: Object.fromEntries(config) as Record<string, ConfigType>,
    preloads: preloadsOf(options?.nodeargs).map((path) => join(folder, path)),
    refresh: yaml.options?.refresh === "always",
  };
}

function preloadsOf(nodeargs = ""): string[] {
  const [option, path, ...others] = nodeargs.split(" ");
  if (nodeargs === "") return [];
  if (option !== "--import" || path === undefined || others.length > 0)
    throw new Error(`Pulumi.yaml: nodeargs: the stand-in knows one --import, got ${nodeargs}`);
  return [path];
}

/** Stack config as the program gets it: texts, with objects as JSON. */
export interface StackConfig {
  values: Record<string, string>;
  secretKeys: string[];
}

/**
 * @param config - `config` of the stack's file.
 * @throws Error for a missing key or a value of another type; one at a time, as the CLI does.
 *
 * Source: pulumi `pkg/workspace/config.go`, `ValidateConfigValue` in `project.go`.
 */
export function readConfig(
  stack: string,
  project: Pick<Project, "name" | "config">,
  config: Record<string, unknown>,
  crypter: () => Crypter,
): StackConfig {
  const secretKeys: string[] = [];
  const given = Object.entries(config).map(([key, value]) => {
    const secure = (value as { secure?: unknown } | null)?.secure;
    if (typeof secure !== "string") return [key, value] as const;
    secretKeys.push(key);
    return [key, crypter().decrypt(secure)] as const;
  });
  const defaults = Object.entries(project.config).map(
    ([key, { value, default: byDefault }]) => [key, value ?? byDefault] as const,
  );
  const all = new Map([...defaults.filter(([, value]) => value !== undefined), ...given]);
  const own = `${project.name}:`;
  const missing = Object.keys(project.config)
    .filter((key) => key.startsWith(own) && !all.has(key))
    .sort();
  if (missing.length > 0) {
    const names = missing
      .map((key) => `'${key.slice(own.length)}'`)
      .join(", ")
      .replace(/, ([^,]*)$/, " and $1");
    throw new Error(
      `Stack '${stack}' is missing configuration value${missing.length > 1 ? "s" : ""} ${names}`,
    );
  }
  for (const [key, declared] of Object.entries(project.config).sort()) {
    const problem = check(declared, all.get(key), secretKeys.includes(key));
    const name = key.startsWith(own) ? key.slice(own.length) : key;
    if (problem) throw new Error(`Stack '${stack}' with configuration key '${name}' ${problem}`);
  }
  const texts = [...all].map(([key, value]) => [
    key,
    typeof value === "object" ? JSON.stringify(value) : textOf(value as Scalar),
  ]);
  return { values: Object.fromEntries(texts) as Record<string, string>, secretKeys };
}

function check(declared: ConfigType, value: unknown, encrypted: boolean): string | undefined {
  if (declared.type === undefined || value === undefined) return undefined;
  if (declared.secret && !encrypted) return "must be encrypted as it's secret";
  return fits(declared, value) ? undefined : `must be of type '${typeName(declared)}'`;
}

/** The CLI turns scalars into texts before it looks at them, so `5` is a string too. */
function fits({ type, items }: ConfigType, value: unknown): boolean {
  const scalar = typeof value === "object" ? undefined : textOf(value as Scalar);
  switch (type) {
    case "string":
      return scalar !== undefined;
    case "integer":
      return scalar !== undefined && /^[+-]?\d+$/.test(scalar);
    case "boolean":
      return scalar === "true" || scalar === "false";
    case "object":
      return scalar === undefined && value !== null && !Array.isArray(value);
    default:
      return Array.isArray(value) && items !== undefined && value.every((item) => fits(items, item));
  }
}

/** A scalar as the program gets it. */
export function textOf(scalar: Scalar): string {
  return String(scalar);
}

function typeName({ type = "", items }: ConfigType): string {
  return items ? `array<${typeName(items)}>` : type;
}
