/** Secrets as Pulumi's `passphrase` provider keeps them, so that both engines read one config file. */
import { createCipheriv, createDecipheriv, pbkdf2Sync, randomBytes } from "node:crypto";

/** A config value that is to be kept encrypted, as `pulumi config set --secret` does. */
export class Secret {
  readonly value: string;

  constructor(value: string) {
    this.value = value;
  }
}

const tagBytes = 16;
/** What Pulumi encrypts into the salt, to tell a right passphrase from a wrong one. */
const proof = "pulumi";

/**
 * AES-256-GCM under a key that PBKDF2 (SHA-256, 1,000,000 rounds, about 0.3 s) makes of a
 * passphrase; text form `v1:<base64 nonce>:<base64 ciphertext and tag>`.
 *
 * Source: pulumi `sdk/go/common/resource/config/crypt.go`, `pkg/secrets/passphrase/manager.go`.
 */
export class Crypter {
  /** The stack config's `encryptionsalt`: `v1:<base64 salt>:<the encrypted proof>`. */
  readonly salt: string;
  readonly #key: Buffer;

  /**
   * @param passphrase - What protects the secrets.
   * @param salt - `encryptionsalt` of an existing stack config; a new one is made without it.
   * @throws Error when the passphrase is not the one the salt was made with.
   */
  constructor(passphrase: string, salt?: string) {
    const encoded = salt?.split(":")[1] ?? randomBytes(8).toString("base64");
    this.#key = pbkdf2Sync(passphrase, Buffer.from(encoded, "base64"), 1_000_000, 32, "sha256");
    this.salt = salt ?? `v1:${encoded}:${this.encrypt(proof)}`;
    if (salt !== undefined && this.#proofOf(salt) !== proof) throw new Error("incorrect passphrase");
  }

  encrypt(text: string): string {
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce);
    const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
    return `v1:${nonce.toString("base64")}:${sealed.toString("base64")}`;
  }

  /** @throws Error when the text is of another form or was sealed with another key. */
  decrypt(text: string): string {
    const [version, nonce, sealed] = text.split(":");
    if (version !== "v1" || nonce === undefined || sealed === undefined) {
      throw new Error("bad secret: expected v1:<nonce>:<ciphertext>");
    }
    const bytes = Buffer.from(sealed, "base64");
    const cipher = createDecipheriv("aes-256-gcm", this.#key, Buffer.from(nonce, "base64"));
    cipher.setAuthTag(bytes.subarray(-tagBytes));
    return cipher.update(bytes.subarray(0, -tagBytes), undefined, "utf8") + cipher.final("utf8");
  }

  #proofOf(salt: string): string | undefined {
    try {
      return this.decrypt(salt.split(":").slice(2).join(":"));
    } catch {
      return undefined;
    }
  }
}
