/** What the user reads, and the event log that tests read. */
import type { Op } from "../types.ts";
import type { EventLog } from "./eventLog.ts";
import type { Plan, Resource } from "./plan.ts";
import { formatPath, mapSecrets, type Props, secretSignature, signature, unknownValue } from "./values.ts";

/** How Pulumi words an operation: sign, in progress, done, and for the summary done and planned. */
const words: Partial<Record<Op, [string, string, string, string?, string?]>> = {
  same: [" ", "", "", "unchanged", "unchanged"],
  create: ["+", "creating", "created", "created", "to create"],
  update: ["~", "updating", "updated", "updated", "to update"],
  delete: ["-", "deleting", "deleted", "deleted", "to delete"],
  import: ["=", "importing", "imported", "imported", "to import"],
  replace: ["+-", "replacing", "replaced", "replaced", "to replace"],
  "create-replacement": ["++", "creating replacement", "created replacement"],
  "delete-replaced": ["--", "deleting original", "deleted original"],
};

/** A step under way, for the display. */
export interface Shown {
  done(): void;
  failed(error: unknown): void;
}

export class Display {
  readonly #events: EventLog;
  readonly #preview: boolean;
  readonly #began = performance.now();
  readonly #counts = new Map<Op, number>();
  #stackOutputs: Props = {};
  /** URN of the resource whose step began last. */
  #current = "";

  constructor(events: EventLog, preview: boolean) {
    this.#events = events;
    this.#preview = preview;
  }

  line(text: string): void {
    console.log(text);
  }

  /** Shows what a resource, or without one the operation, failed of. */
  error(resource: { type: string; name: string } | undefined, error: unknown): void {
    const where = resource ? `${resource.type} ${resource.name}: ` : "";
    const message = error instanceof Error ? error.message : String(error);
    this.line(`error: ${where}${message}`);
    this.#diagnose({ prefix: "error: ", message, severity: "error" });
  }

  /** Shows what a resource says while it is worked on. */
  info(message: string): void {
    this.line(`    ${message}`);
    this.#diagnose({ urn: this.#current, message, severity: "info", ephemeral: true });
  }

  event(event: object): void {
    this.#events.write(event);
  }

  #diagnose({ message, ...more }: { message: string; severity: string; [key: string]: unknown }): void {
    this.event({ diagnosticEvent: { ...more, message: `${message}\n`, color: "never" } });
  }

  /** How many resources had what done to them. */
  get resourceChanges(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }

  /** Shows that a step begins; the answer is for when it ends. */
  step(
    op: Op,
    resource: Pick<Resource, "urn" | "type" | "name" | "custom">,
    plan?: Pick<Plan, "changes">,
  ): Shown {
    const { urn, type, name, custom } = resource;
    const [sign = "", doing = "", did = "", counted] = words[op] ?? [];
    const changes = plan?.changes ?? [];
    const show = (text: string): void => {
      if (op !== "same") this.line(` ${sign.padEnd(2)} ${type} ${name} ${text}`);
    };
    const detailedDiff = Object.fromEntries(
      changes.map(({ path, kind, forcesReplacement }) => {
        const diffKind = forcesReplacement ? `${kind}-replace` : kind;
        return [formatPath(path), { diffKind, inputDiff: false }];
      }),
    );
    const metadata = { op, urn, type, old: null, new: { custom }, detailedDiff };
    this.event({ resourcePreEvent: { metadata } });
    show(this.#preview ? op : doing);
    // Of a replacement's steps one tells the user what it is for.
    for (const { path, kind, forcesReplacement } of op === "create-replacement" ? [] : changes) {
      const mark = { add: "+", delete: "-", update: "~" }[kind];
      this.line(`      ${mark} ${formatPath(path)}${forcesReplacement ? " (replaces)" : ""}`);
    }
    const began = performance.now();
    this.#current = urn;
    return {
      done: () => {
        if (counted) this.#counts.set(op, (this.#counts.get(op) ?? 0) + 1);
        this.event({ resOutputsEvent: { metadata } });
        const seconds = ((performance.now() - began) / 1000).toFixed(2);
        if (!this.#preview && custom) show(`${did} (${seconds}s)`);
      },
      failed: (error) => {
        this.event({ resOpFailedEvent: { metadata } });
        show(`**${doing} failed**`);
        this.error(resource, error);
      },
    };
  }

  /** Takes what a component, or the stack, gives out. */
  outputs({ urn, type, custom }: Resource, outputs: Props): void {
    if (type === "pulumi:pulumi:Stack") this.#stackOutputs = outputs;
    const blind = mapSecrets(outputs, () => ({
      [signature]: secretSignature,
      ciphertext: "[secret]",
    }));
    const metadata = {
      op: "same",
      urn,
      type,
      old: null,
      new: { custom, outputs: blind },
      detailedDiff: null,
    };
    this.event({ resOutputsEvent: { metadata } });
  }

  /** Outputs of the stack, and how many resources had what done to them. */
  summary(failed: boolean): void {
    const lines = Object.entries(this.#stackOutputs).map(([key, value]) => `    ${key}: ${render(value)}`);
    if (lines.length > 0) this.line(["Outputs:", ...lines].join("\n"));
    this.line("Resources:");
    for (const [op, count] of this.#counts) {
      const [sign = "", , , did = "", planned = ""] = words[op] ?? [];
      this.line(`    ${sign} ${count} ${this.#preview ? planned : did}`);
    }
    if (failed) this.error(undefined, this.#preview ? "preview failed" : "update failed");
    const durationSeconds = (performance.now() - this.#began) / 1000;
    this.line(`Duration: ${durationSeconds.toFixed(1)}s`);
    this.event({
      summaryEvent: {
        ...{ maybeCorrupt: false, durationSeconds: Math.ceil(durationSeconds), PolicyPacks: {} },
        ...{ resourceChanges: this.resourceChanges, isPreview: this.#preview },
        result: failed ? "failed" : "succeeded",
      },
    });
  }
}

function render(value: unknown): string {
  const readable = mapSecrets(value, () => "[secret]");
  return JSON.stringify(readable).replaceAll(unknownValue, "[unknown]");
}
