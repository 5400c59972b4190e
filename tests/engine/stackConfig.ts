/** The stack's config file, `Pulumi.<stack>.yaml`, written for either engine. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { parse, stringify } from "yaml";

import { Crypter, Secret } from "./secrets.ts";

const privateFile = { mode: 0o600 };

/** Paths of a stack's own files, all inside its work folder. */
export interface StackFiles {
  config: string;
  passphrase: string;
}

/** Where the files of a stack are. */
export function stackFiles(workDir: string, stack: string): StackFiles {
  return { config: join(workDir, `Pulumi.${stack}.yaml`), passphrase: join(workDir, "passphrase") };
}

/**
 * Writes the stack config anew. The passphrase is made on first use; the salt is kept, so that
 * secrets in the state stay readable.
 *
 * @param files - Their folder must exist.
 * @param project - Namespace of a key without a colon.
 * @param config - Values as YAML has them, or {@link Secret}.
 */
export function writeStackConfig(
  files: StackFiles,
  project: string,
  config: Readonly<Record<string, unknown>>,
): void {
  if (!existsSync(files.passphrase)) {
    writeFileSync(files.passphrase, randomBytes(24).toString("base64url"), privateFile);
  }
  const passphrase = readFileSync(files.passphrase, "utf8").trim();
  const crypter = new Crypter(passphrase, readSalt(files.config));
  const entries = Object.entries(config).map(([key, value]) => [
    key.includes(":") ? key : `${project}:${key}`,
    value instanceof Secret ? { secure: crypter.encrypt(value.value) } : value,
  ]);
  const file = { encryptionsalt: crypter.salt, config: Object.fromEntries(entries) as object };
  writeFileSync(files.config, stringify(file), privateFile);
}

function readSalt(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const { encryptionsalt } = parse(readFileSync(path, "utf8")) as { encryptionsalt?: string };
  return encryptionsalt;
}

/**
 * The `name` in a project's Pulumi.yaml.
 *
 * @throws Error when there is no such file or no name in it.
 */
export function projectName(projectDir: string): string {
  const path = join(projectDir, "Pulumi.yaml");
  const { name } = parse(readFileSync(path, "utf8")) as { name?: unknown };
  if (typeof name !== "string" || name === "") throw new Error(`${path}: name: expected a text`);
  return name;
}

/** Makes a folder that only its owner can enter. */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}
