import { parseYaml } from "../components/configuration/readYaml.ts";
import type { Problem } from "../components/input/problems.ts";
import { isRecord } from "../components/input/record.ts";
import { valuesOf } from "../components/stackValues.ts";
import { readInput, UsageError } from "./commandLine.ts";

/** A stack's config as its file has it. */
export interface StackFile {
  readonly file: string;
  /** By the keys without the project's name; what is not set, or secret, is not there. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The keys whose values, or parts of them, are secret: without Pulumi nobody can read them. */
  readonly secrets: readonly string[];
}

/** Keys that decide nothing of what kube-proxy is. */
const elsewhere = ["kubeconfig", "context", "snapshotFolder"];

/**
 * Reads `Pulumi.<stack>.yaml` in the working folder, as Pulumi would hand it to the program, without Pulumi.
 *
 * @param stack - its name, also `organization/project/stack`
 * @throws UsageError when there is no such file, or it is no YAML
 */
export function readStackFile(stack: string): StackFile {
  const name = stack.split("/").at(-1) ?? "";
  if (!/^[-\w.]+$/.test(name)) {
    throw new UsageError(
      `--stack: ${JSON.stringify(stack)} is not accepted; accepted: a stack's name, such as dev`,
    );
  }
  const file = `Pulumi.${name}.yaml`;
  const project = mappingIn("Pulumi.yaml")["name"];
  const config = mappingIn(file)["config"];
  const prefix = `${String(project)}:`;
  const entries = Object.entries(isRecord(config) ? config : {})
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => [key.slice(prefix.length), value] as const);
  const plain = entries.filter(([, value]) => !hasSecret(value));
  return {
    file,
    values: valuesOf(plain.map(([key, value]) => [key, asText(value)])),
    secrets: entries.filter(([, value]) => hasSecret(value)).map(([key]) => key),
  };
}

/** What to say of secret values. */
export function secretProblems({ secrets }: StackFile): Problem[] {
  return secrets
    .filter((key) => !elsewhere.includes(key))
    .map((path) => ({
      path,
      accepted:
        "a plain value: this one is secret, which only Pulumi can read; a patch would show it in any case",
    }));
}

function mappingIn(file: string): Record<string, unknown> {
  const text = readInput("--stack", file);
  try {
    const value = parseYaml(text);
    return isRecord(value) ? value : {};
  } catch (error) {
    throw new UsageError(
      `--stack: ${file} is not YAML: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Pulumi writes a secret as a mapping with the one key `secure`, also within a value. */
function hasSecret(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasSecret);
  if (!isRecord(value)) return false;
  const keys = Object.keys(value);
  return (keys.length === 1 && keys[0] === "secure") || Object.values(value).some(hasSecret);
}

/** Pulumi hands the program a text, which is JSON where the value is none. */
function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? "");
}
