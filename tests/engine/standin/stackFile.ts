/** `Pulumi.<stack>.yaml`: what `pulumi config` reads and writes. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";

import { parse, parseDocument } from "yaml";

import { Crypter } from "../secrets.ts";
import { CliError } from "./backend.ts";
import { type Scalar, textOf } from "./project.ts";

/** A value as `pulumi config --json` prints it; a secret's is there only where it is to be shown. */
export interface ShownValue {
  value?: string;
  objectValue?: unknown;
  secret: boolean;
}

/** A stack's file; one that is not there has no config. */
export class StackFile {
  readonly #path: string;
  readonly #passphrase: () => string;
  readonly #project: string;
  #crypter: Crypter | undefined;

  /**
   * @param project - Namespace of a key without a colon.
   * @param passphrase - Asked for on first use.
   */
  constructor(path: string, project: string, passphrase: () => string) {
    this.#path = path;
    this.#project = project;
    this.#passphrase = passphrase;
  }

  /** Values as the file has them. */
  get config(): Record<string, unknown> {
    return this.#read().config ?? {};
  }

  /** Made on first use: its key takes 0.3 s. */
  readonly crypter = (): Crypter => {
    this.#crypter ??= new Crypter(this.#passphrase(), this.#read().encryptionsalt);
    return this.#crypter;
  };

  /**
   * All values, with secrets in words only if they are to be shown.
   *
   * @param config - As the file has it now, or had it.
   */
  shown(withSecrets: boolean, config = this.config): Record<string, ShownValue> {
    const entries = Object.entries(config).map(([key, value]): [string, ShownValue] => {
      const secure = (value as { secure?: unknown } | null)?.secure;
      if (typeof secure !== "string") return [key, { ...asShown(value), secret: false }];
      return [key, { ...(withSecrets && { value: this.crypter().decrypt(secure) }), secret: true }];
    });
    return Object.fromEntries(entries);
  }

  /** @throws CliError when there is no such key. */
  get(key: string, stack: string): ShownValue {
    const found = this.shown(true)[this.#qualified(key)];
    if (found === undefined) {
      throw new CliError(`configuration key '${key}' not found for stack '${stack}'`, 1);
    }
    return found;
  }

  set(key: string, value: string, isSecret: boolean): void {
    const file = parseDocument(existsSync(this.#path) ? readFileSync(this.#path, "utf8") : "");
    if (file.get("encryptionsalt") === undefined && isSecret) file.set("encryptionsalt", this.crypter().salt);
    const written = isSecret ? file.createNode({ secure: this.crypter().encrypt(value) }) : value;
    file.setIn(["config", this.#qualified(key)], written);
    writeFileSync(this.#path, file.toString(), { mode: 0o600 });
  }

  #qualified(key: string): string {
    return key.includes(":") ? key : `${this.#project}:${key}`;
  }

  #read(): { encryptionsalt?: string; config?: Record<string, unknown> } {
    if (!existsSync(this.#path)) return {};
    return (parse(readFileSync(this.#path, "utf8")) ?? {}) as {
      encryptionsalt?: string;
      config?: Record<string, unknown>;
    };
  }
}

function asShown(value: unknown): { value: string; objectValue?: unknown } {
  return typeof value === "object"
    ? { value: JSON.stringify(value), objectValue: value }
    : { value: textOf(value as Scalar) };
}
