/** The state file: what the stack owns, written after every step. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import type { Crypter } from "../secrets.ts";
import type { Resource } from "./plan.ts";
import { isSecret, mapSecrets, plain, type Props, secret, secretSignature, signature } from "./values.ts";

interface File {
  resources: Resource[];
  /** Operations under way; one that is left over was interrupted. */
  pending: { urn: string; op: string }[];
}

const privateFile = { mode: 0o600 };

export class State {
  readonly #path: string;
  readonly #crypter: () => Crypter;
  readonly #readOnly: boolean;
  readonly #file: File = { resources: [], pending: [] };
  /** Interrupted operations of an earlier run. */
  readonly interrupted: File["pending"];

  /**
   * @param crypter - Made on first use: its key takes 0.3 s.
   * @param readOnly - Whether changes stay in memory, as in a preview.
   */
  constructor(path: string, crypter: () => Crypter, readOnly: boolean) {
    this.#path = path;
    this.#crypter = crypter;
    this.#readOnly = readOnly;
    if (existsSync(path)) this.#file = this.#read();
    this.interrupted = this.#file.pending.splice(0);
  }

  /** In the order of registration: dependencies first. */
  get resources(): readonly Resource[] {
    return this.#file.resources;
  }

  find(urn: string): Resource | undefined {
    return this.#file.resources.find((resource) => resource.urn === urn && !resource.pendingDelete);
  }

  /** Adds a resource, in the place of the one with its URN if there is one. */
  put(resource: Resource): void {
    const old = this.find(resource.urn);
    if (old) this.#file.resources.splice(this.#file.resources.indexOf(old), 1, resource);
    else this.#file.resources.push(resource);
    this.#save();
  }

  remove(resource: Resource): void {
    const { resources } = this.#file;
    resources.splice(resources.indexOf(resource), resources.includes(resource) ? 1 : 0);
    this.#save();
  }

  /** Remembers that an operation is under way; call what it returns when it no longer is. */
  begin(urn: string, op: string): () => void {
    const operation = { urn, op };
    this.#file.pending.push(operation);
    this.#save();
    return () => {
      this.#file.pending.splice(this.#file.pending.indexOf(operation), 1);
      this.#save();
    };
  }

  #read(): File {
    const open = (_: string, value: unknown): unknown => {
      if (!isSecret(value)) return value;
      const text = this.#crypter().decrypt(value["ciphertext"] as string);
      return secret(JSON.parse(text) as unknown);
    };
    return JSON.parse(readFileSync(this.#path, "utf8"), open) as File;
  }

  #save(): void {
    if (this.#readOnly) return;
    const seal = (_: string, value: unknown): unknown => {
      if (!isSecret(value)) return value;
      const ciphertext = this.#crypter().encrypt(JSON.stringify(value["value"]));
      return { [signature]: secretSignature, ciphertext };
    };
    // A kill must find the old file or the new one, never half of one.
    writeFileSync(`${this.#path}.new`, JSON.stringify(this.#file, seal, 1), privateFile);
    renameSync(`${this.#path}.new`, this.#path);
  }
}

/**
 * Gives a stack another name, which every URN in its state begins with.
 *
 * Source: pulumi `pkg/resource/edit/operations.go` (`RenameStack`).
 */
export function renameState(pathOf: (stack: string) => string, from: string, to: string): void {
  const file = readFileSync(pathOf(from), "utf8").replaceAll(`urn:pulumi:${from}::`, `urn:pulumi:${to}::`);
  writeFileSync(pathOf(to), file, privateFile);
  rmSync(pathOf(from));
}

/**
 * The stack's outputs as `stack output --json` prints them.
 *
 * @param withSecrets - Whether secrets are shown.
 */
export function outputsOf(path: string, crypter: () => Crypter, withSecrets: boolean): Props {
  const { resources } = new State(path, crypter, true);
  const { outputs = {} } = resources.find(({ type }) => type === "pulumi:pulumi:Stack") ?? {};
  return (withSecrets ? plain(outputs) : mapSecrets(outputs, () => "[secret]")) as Props;
}

/** Writes the state as `stack export` does, secrets sealed. */
export function exportState(path: string, to: string): void {
  const deployment = JSON.parse(readFileSync(path, "utf8")) as File;
  writeFileSync(to, JSON.stringify({ version: 3, deployment }), privateFile);
}

/** Puts what {@link exportState} has written in the place of the state. */
export function importState(path: string, from: string): void {
  const { deployment } = JSON.parse(readFileSync(from, "utf8")) as { deployment: File };
  writeFileSync(path, JSON.stringify(deployment, undefined, 1), privateFile);
}

/**
 * Takes the stack for this process.
 *
 * @returns What gives it back.
 * @throws Error when another process has it, or had it and was killed.
 */
export function lock(path: string): () => void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(path, String(process.pid), { ...privateFile, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new Error(
      "the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or " +
        "delete the lock file with `pulumi cancel` (Stack.cancel() here).\n" +
        `  ${path}: created by pid ${readFileSync(path, "utf8")}`,
      { cause: error },
    );
  }
  return () => {
    rmSync(path, { force: true });
  };
}
