/** How far a stack's update is, by the events of Pulumi's engine. */
import type { EngineEvent } from "@pulumi/pulumi/automation/events.js";

/** Nodes of a cluster whose kube-proxy is proved to be well, of those that have to be. */
export interface Proof {
  readonly proved: number;
  readonly nodes: number;
  /** Whether the proof has ended. */
  readonly isOver: boolean;
}

/** What is known of a stack's update. */
export interface Progress {
  /** What is done at the moment, such as `creating kube-proxy-verify`; empty before the first step. */
  readonly step: string;
  /** By URN of the proof, one for each DaemonSet. */
  readonly proofs: ReadonlyMap<string, Proof>;
  /** Whether anything of the stack has been changed. */
  readonly hasChanged: boolean;
  /** What Pulumi called an error, without repetitions, at most ten. */
  readonly errors: readonly string[];
  /** How many resources had, or would have, what done to them, by Pulumi's names; empty before the end. */
  readonly changes: Readonly<Record<string, number>>;
}

export const nothingYet: Progress = {
  step: "",
  proofs: new Map(),
  hasChanged: false,
  errors: [],
  changes: {},
};

const mostErrors = 10;

/** What says no more than that it has failed. */
const empty = /^((update|preview) failed)?$/;

/** Operations that change nothing, and are not worth a word. */
const quiet = ["same", "read", "refresh", "read-replacement", "discard", "discard-replaced"];

/** Operations in words. */
const doing: Readonly<Record<string, string>> = {
  create: "creating",
  update: "updating",
  delete: "deleting",
  import: "importing",
  replace: "replacing",
  "create-replacement": "creating",
  "delete-replaced": "deleting",
  "import-replacement": "importing",
};

/** How this program, and Pulumi's Kubernetes provider, say that an API server does not answer: the latter also in a refresh. */
const silent =
  /https?:\/\/\S+ does not answer: |configured Kubernetes cluster is unreachable|due to unreachable cluster/;

/** What has to be in the URN of whatever proves something. */
const ofCommand = /:Command::/;

/** Takes an event. */
export function withEvent(progress: Progress, event: EngineEvent): Progress {
  const { resourcePreEvent, diagnosticEvent, summaryEvent } = event;
  if (diagnosticEvent !== undefined) return withDiagnostic(progress, diagnosticEvent);
  if (summaryEvent !== undefined) return { ...progress, changes: { ...summaryEvent.resourceChanges } };
  const metadata = resourcePreEvent?.metadata;
  if (metadata === undefined || quiet.includes(metadata.op)) return progress;
  // The stack, components and providers do nothing to the cluster themselves.
  const isOwn = (metadata.new ?? metadata.old)?.custom === true && !metadata.type.startsWith("pulumi:");
  if (!isOwn) return progress;
  const name = metadata.urn.split("::").at(-1) ?? "";
  return { ...progress, hasChanged: true, step: `${doing[metadata.op] ?? metadata.op} ${name}` };
}

/** The sum of all proofs; undefined where none has begun. */
export function proofOf({ proofs }: Progress): Proof | undefined {
  const all = [...proofs.values()];
  const sum = (key: "proved" | "nodes") => all.reduce((total, proof) => total + proof[key], 0);
  return all.length === 0
    ? undefined
    : { proved: sum("proved"), nodes: sum("nodes"), isOver: all.every(({ isOver }) => isOver) };
}

/** Whether an update has failed since its cluster does not answer, before anything was changed. */
export function isUnreachable({ hasChanged, errors }: Progress): boolean {
  return !hasChanged && errors.some((error) => silent.test(error));
}

function withDiagnostic(
  progress: Progress,
  { message, severity, urn = "" }: NonNullable<EngineEvent["diagnosticEvent"]>,
): Progress {
  const said = message.trim();
  if (severity === "error") {
    const isNew = !empty.test(said) && !progress.errors.includes(said) && progress.errors.length < mostErrors;
    return isNew ? { ...progress, errors: [...progress.errors, said] } : progress;
  }
  // The component says a proof once more at the end, and for those who debug it the CLI sends all that is in the state.
  const proof = severity === "info" && ofCommand.test(urn) ? readProof(said) : undefined;
  // What is said on the way, and at the end, comes by two streams.
  const isLate = progress.proofs.get(urn)?.isOver === true && proof?.isOver === false;
  return proof === undefined || isLate
    ? progress
    : { ...progress, proofs: new Map(progress.proofs).set(urn, proof) };
}

/** Reads what `commands/verify.ts` prints while it proves, and when it has. */
function readProof(line: string): Proof | undefined {
  const [, open, of] = /: (\d+) of (\d+) nodes still open/.exec(line) ?? [];
  if (open !== undefined) return { proved: Number(of) - Number(open), nodes: Number(of), isOver: false };
  const [, proved, nodes] = /^DaemonSet \S+: (\d+) of (\d+) nodes verified/m.exec(line) ?? [];
  return proved === undefined ? undefined : { proved: Number(proved), nodes: Number(nodes), isOver: true };
}
