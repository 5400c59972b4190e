/** How a run over a fleet looks in a terminal and in a log. Pure: texts. */
import { listed } from "../components/input/problems.ts";
import { printable, printableLines } from "../components/input/printable.ts";
import { formatSeconds } from "../components/input/seconds.ts";
import { table } from "../components/input/table.ts";
import { stacksOf } from "./file.ts";
import { nothingYet, type Progress, type Proof, proofOf } from "./progress.ts";
import { countOf, finished, type Halt, type Rollout, type Standing, waveOf } from "./rollout.ts";

/** What the run knows of one stack's update. Moments are in milliseconds since 1970. */
export interface Update {
  readonly began: number;
  /** Undefined while it runs. */
  readonly ended: number | undefined;
  readonly progress: Progress;
}

/** What there is to be seen. */
export interface View {
  readonly rollout: Rollout;
  /** By stack: those that this run has started. */
  readonly updates: ReadonlyMap<string, Update>;
}

/** Size of a terminal, in signs and lines. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

const words: Readonly<Record<Standing, string>> = {
  waiting: "not reached",
  running: "is under way",
  already: "was done before",
  done: "done",
  failed: "FAILED",
  unreachable: "DOES NOT ANSWER, nothing was changed",
  cancelled: "CANCELLED on its way",
};

/** Lines at most of why a stack has failed: a proof that fails has one for each node, the worst first. */
const mostReasons = 30;

/** The lines that are drawn again and again: a heading, and what runs at the moment. */
export function liveLines(view: View, now: number, { columns, rows }: Size): string[] {
  const running = [...view.updates].filter(([, { ended }]) => ended === undefined);
  const lines = table(
    ["STACK", "NODES PROVED", "TIME", "STEP"],
    running.map(([stack, { began, progress }]) => [
      stack,
      proofWords(proofOf(progress)),
      formatSeconds((now - began) / 1000),
      progress.step || "reads the cluster",
    ]),
  );
  // The cursor needs a line, and the heading two.
  const room = Math.max(1, rows - 4);
  const more = lines.length - room;
  const shown = more > 0 ? [...lines.slice(0, room), `… ${more} more`] : lines;
  const all = ["", headline(view, now), ...(running.length > 0 ? shown : [])];
  return all.map((line) => printable(line).slice(0, Math.max(1, columns - 1)));
}

/** Where the run stands, in one line. */
export function headline(view: View, now: number): string {
  const { rollout } = view;
  const { name, stacks } = waveOf(rollout);
  const left = secondsLeft(view, now);
  const count = (wanted: readonly Standing[], of?: readonly string[]) => countOf(rollout, wanted, of);
  const rest = [
    [count(["failed", "cancelled"]), "failed"],
    [count(["unreachable"]), "unanswered"],
  ] as const;
  return printable(
    [
      `wave ${rollout.wave + 1} of ${rollout.fleet.waves.length}, ${name}: ${count(finished, stacks)} of ${stacks.length} clusters done`,
      `${count(finished)} of ${rollout.standings.size} in all`,
      ...rest.flatMap(([number, word]) => (number === 0 ? [] : [`${number} ${word}`])),
      `${provedIn(view)} nodes proved`,
      ...(left === undefined ? [] : [`about ${formatSeconds(left)} left`]),
    ].join("; "),
  );
}

/** That a stack's update begins. */
export function startLine(stack: string, { rollout }: View): string {
  return printable(`${stack}: begins (wave ${waveOf(rollout).name})`);
}

/** How a stack's update has ended, and why it failed. */
export function endLines(stack: string, { rollout, updates }: View): string {
  const standing = rollout.standings.get(stack) ?? "waiting";
  const { began = 0, ended = 0, progress = nothingYet } = updates.get(stack) ?? {};
  const proof = proofOf(progress);
  const proved = proof === undefined ? "" : `, ${proofWords(proof)} nodes proved`;
  const reasons = standing === "done" ? [] : progress.errors.flatMap((error) => error.split("\n"));
  const would = rollout.isTrial && standing === "done" ? `: ${changeWords(progress.changes)}` : "";
  return printableLines([
    `${stack}: ${words[standing]} after ${formatSeconds((ended - began) / 1000)}${proved}${would}`,
    ...reasons.slice(0, mostReasons).map((reason) => `  ${reason}`),
    ...(reasons.length > mostReasons ? [`  … ${reasons.length - mostReasons} lines more`] : []),
  ]);
}

/** What is done already when a run begins; empty where it is nothing. */
export function alreadyLine(rollout: Rollout): string {
  const done = stacksOf(rollout.fleet).filter((stack) => rollout.standings.get(stack) === "already");
  return done.length === 0 ? "" : printable(`Done before, and left out: ${listed(done)}.`);
}

/** What comes of a whole run, and what the next one does. */
export function summary(view: View): string {
  const { rollout } = view;
  const of = (standing: Standing) =>
    stacksOf(rollout.fleet).filter((stack) => rollout.standings.get(stack) === standing);
  const lines = (["failed", "unreachable", "cancelled", "waiting"] as const).flatMap((standing) => {
    const stacks = of(standing);
    return stacks.length === 0 ? [] : [`  ${words[standing]}: ${listed(stacks, 20)}`];
  });
  const { halt } = rollout;
  return printableLines([
    `${countOf(rollout, finished)} of ${rollout.standings.size} clusters are done; ${provedIn(view)} nodes were proved.`,
    ...lines,
    ...(halt === undefined ? [] : [haltLine(halt)]),
    ...(lines.length === 0 || rollout.isTrial ? [] : ["The same command again goes on from here."]),
  ]);
}

const halts: Readonly<Record<Halt["reason"], string>> = {
  failed: "more clusters have failed than it allows (maxFailed)",
  unreachable: "a cluster does not answer; `unreachable: skip` would go on without it",
  unproved: "none of its clusters is done, so that it proves nothing for the next ones",
  declined: "the question before it was not answered with yes",
  interrupted: "the run was ended",
};

/** Why a run has halted, and where. */
export function haltLine({ reason, wave }: Halt): string {
  return `HALTED at wave ${wave}: ${halts[reason]}.`;
}

/** The question before a wave. */
export function question({ rollout }: View): string {
  const { name, stacks } = waveOf(rollout);
  return printable(
    `Go on with wave ${rollout.wave + 1} of ${rollout.fleet.waves.length}, ${name}, ${stacks.length} clusters? [y/n]`,
  );
}

/** That the run waits before a wave. */
export function pauseLine(wave: string, until: number): string {
  return printable(`Waits until ${new Date(until).toISOString().slice(0, 19)}Z before wave ${wave}.`);
}

/**
 * How long the run takes from now on, in seconds, at the speed of the updates that it has seen; pauses come on top.
 *
 * @returns undefined where it has seen none yet
 */
export function secondsLeft({ rollout, updates }: View, now: number): number | undefined {
  const durations = [...updates].flatMap(([stack, { began, ended }]) =>
    ended === undefined || rollout.standings.get(stack) !== "done" ? [] : [ended - began],
  );
  if (durations.length === 0) return undefined;
  const mean = durations.reduce((sum, duration) => sum + duration, 0) / durations.length;
  const milliseconds = rollout.fleet.waves.slice(rollout.wave).map(({ stacks, concurrency }) => {
    const begun = stacks.flatMap((stack) => {
      const update = updates.get(stack);
      return update !== undefined && update.ended === undefined
        ? [Math.max(0, mean - (now - update.began))]
        : [];
    });
    const work = begun.reduce((sum, left) => sum + left, countOf(rollout, ["waiting"], stacks) * mean);
    return work / Math.min(concurrency, stacks.length);
  });
  return milliseconds.reduce((sum, wave) => sum + wave, 0) / 1000;
}

function provedIn({ updates }: View): number {
  return [...updates.values()].reduce((sum, { progress }) => sum + (proofOf(progress)?.proved ?? 0), 0);
}

function proofWords(proof: Proof | undefined): string {
  return proof === undefined ? "-" : `${proof.proved} of ${proof.nodes}`;
}

/** What a preview would do, by Pulumi's names of it. */
function changeWords(changes: Progress["changes"]): string {
  const some = Object.entries(changes).filter(([op]) => op !== "same");
  return some.length === 0
    ? "nothing to do"
    : `to do: ${some.map(([op, count]) => `${count} ${op}`).join(", ")}`;
}
