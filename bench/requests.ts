import { readFileSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { auditLog, type Lab, setNodes } from "../lab/index.ts";
import { columns } from "./statistics.ts";
import { type Subject, withSubject } from "./subject.ts";

/** A request as the API server's audit log has it. */
interface Event {
  readonly verb: string;
  readonly requestURI: string;
  readonly userAgent?: string;
  /** Absent where no object is asked for, as in discovery. */
  readonly objectRef?: { readonly resource: string; readonly subresource?: string };
}

/** Rows that grow with the nodes; all others have to stay as they are. */
const waiting = "the same again, while waiting";
const perNode = ["get pods/portforward", "get pods/proxy"];

/**
 * Counts the API requests of a restart on labs of several sizes: all of the engine's and of the component's commands,
 * none of the controllers'. They are taken from the API server's audit log, which has those of the user in admin.conf.
 *
 * @returns a table: requests by verb and resource, a column for each size
 */
export function countRequests(sizes: readonly number[]): Promise<string> {
  return withSubject(sizes[0] ?? 20, async (subject) => {
    const counts: ReadonlyMap<string, number>[] = [];
    for (const size of sizes) {
      counts.push(await countAt(size, subject));
    }
    return table(sizes, counts);
  });
}

async function countAt(size: number, { lab, stack }: Subject): Promise<ReadonlyMap<string, number>> {
  await setNodes(lab, size, console.log);
  const up = async (restart: string) => {
    await stack.setConfig({ restart });
    const { ok, output } = await stack.up();
    if (!ok) throw new Error(`the engine failed:\n${output}`);
  };
  await up(`ready for ${size} nodes`);
  const before = await sizeAtRest(lab);
  await up(`counted with ${size} nodes`);
  const lines = readFileSync(auditLog(lab.dir)).subarray(before, await sizeAtRest(lab));
  return count(
    lines
      .toString()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Event),
  );
}

/** The API server writes a line down when it has answered: the last ones come a little later. */
export async function sizeAtRest({ dir }: Lab): Promise<number> {
  for (;;) {
    const { size } = statSync(auditLog(dir));
    await sleep(1000);
    if (statSync(auditLog(dir)).size === size) return size;
  }
}

/**
 * What a client asks again and again until the answer is another one is a row of its own: how often depends on how long
 * the rollout takes. The stand-in engine does so; the Pulumi CLI watches.
 */
function count(events: readonly Event[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const lastOf = new Map<string | undefined, string>();
  for (const { verb, requestURI, userAgent, objectRef } of events) {
    const resource = [objectRef?.resource ?? requestURI, objectRef?.subresource].filter(Boolean).join("/");
    const request = `${verb} ${requestURI}`;
    const row = lastOf.get(userAgent) === request ? waiting : `${verb} ${resource}`;
    lastOf.set(userAgent, request);
    counts.set(row, (counts.get(row) ?? 0) + 1);
  }
  return counts;
}

function table(sizes: readonly number[], counts: readonly ReadonlyMap<string, number>[]): string {
  const growing = [waiting, ...perNode];
  const constant = [...new Set(counts.flatMap((rows) => [...rows.keys()]))]
    .filter((row) => !growing.includes(row))
    .sort();
  const of = (rows: readonly string[]) =>
    counts.map((byRow) => String(rows.reduce((sum, row) => sum + (byRow.get(row) ?? 0), 0)));
  return columns([
    ["requests of a restart", ...sizes.map((size) => `${size} nodes`)],
    ...[...constant, "in all", ...growing].map((row) => [row, ...of(row === "in all" ? constant : [row])]),
  ]);
}
