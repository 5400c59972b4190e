/**
 * Reads Pulumi's event log (`--event-log`): one JSON `EngineEvent` a line.
 *
 * Source: pulumi `sdk/go/common/apitype/events.go`, `pkg/backend/display/events.go`.
 */
import type { Op, Step } from "./types.ts";

/** The part of `StepEventMetadata` that is read here. */
export interface StepMetadata {
  op: string;
  urn: string;
  type: string;
  old: StepState | null;
  new: StepState | null;
  /** Top-level keys that differ; all there is when the provider gives no detailed diff. */
  diffs?: string[] | null;
  /** Differences by property path. */
  detailedDiff: Record<string, unknown> | null;
}

/** The part of `StepEventStateMetadata` that is read here. */
export interface StepState {
  custom?: boolean;
  outputs?: Record<string, unknown> | null;
}

/** The kinds of `EngineEvent` that are read here. */
export interface EngineEvent {
  resourcePreEvent?: { metadata: StepMetadata };
  resOutputsEvent?: { metadata: StepMetadata };
  resOpFailedEvent?: { metadata: StepMetadata };
  /** The stand-in's own: the program's modules have run. */
  programEvent?: { durationMs: number };
}

/** Engine bookkeeping that the CLI does not show either: refreshes and default providers. */
const hiddenOps = new Set(["refresh", "remove-pending-replace"]);
const defaultProvider = /^pulumi:providers:.*::default(_|$)/;

const signature = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Collects steps and outputs from an event log that is still being written. */
export class StepRecorder {
  readonly steps: Step[] = [];
  outputs: Record<string, unknown> = {};
  programMs: number | undefined;
  readonly #listeners: ((step: Step) => void)[] = [];
  #rest = "";

  onStep(listener: (step: Step) => void): void {
    this.#listeners.push(listener);
  }

  /** Takes the next piece of the log; a line may come in several pieces. */
  read(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") this.#take(JSON.parse(line) as EngineEvent);
  }

  #take(event: EngineEvent): void {
    this.programMs ??= event.programEvent?.durationMs;
    const { resourcePreEvent, resOutputsEvent, resOpFailedEvent } = event;
    const metadata = (resourcePreEvent ?? resOutputsEvent ?? resOpFailedEvent)?.metadata;
    if (metadata === undefined || hiddenOps.has(metadata.op)) return;
    const [qualifiedType = "", name = ""] = metadata.urn.split("::").slice(2);
    if (defaultProvider.test(`${qualifiedType}::${name}`)) return;
    if (resOutputsEvent && metadata.type === "pulumi:pulumi:Stack") {
      this.outputs = reveal(metadata.new?.outputs ?? {}) as Record<string, unknown>;
    }
    const step = resourcePreEvent ? this.#start(metadata, name) : this.#find(metadata);
    if (step === undefined) return;
    if (resOpFailedEvent) step.status = "failed";
    // A component does nothing itself, and reports outputs only if it calls registerOutputs.
    else if (resOutputsEvent || !(metadata.new ?? metadata.old)?.custom) step.status = "done";
    for (const listener of this.#listeners) listener(step);
  }

  #start(metadata: StepMetadata, name: string): Step {
    const diff = Object.keys(metadata.detailedDiff ?? {});
    const paths = diff.length > 0 ? diff : (metadata.diffs ?? []);
    const { op, type, urn } = metadata;
    const step: Step = { op: op as Op, type, name, urn, status: "started" };
    if (paths.length > 0) step.diff = paths;
    this.steps.push(step);
    return step;
  }

  #find({ op, urn }: StepMetadata): Step | undefined {
    return this.steps.findLast((step) => step.op === op && step.urn === urn);
  }
}

/** Output values as a reader expects them, without Pulumi's envelopes. */
function reveal(value: unknown): unknown {
  if (value === unknownValue) return "[unknown]";
  if (Array.isArray(value)) return value.map(reveal);
  if (typeof value !== "object" || value === null) return value;
  if ((value as Record<string, unknown>)[signature] === secretSignature) return "[secret]";
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, reveal(item)]));
}
