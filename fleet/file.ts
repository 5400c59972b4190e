/** `fleet.yaml`: which stacks there are, and in which waves they are taken. */
import { dirname, resolve } from "node:path";
import * as v from "valibot";
import { parseGoDuration } from "../components/configuration/goDuration.ts";
import { parseYaml } from "../components/configuration/readYaml.ts";
import { type Problem, ProblemsError } from "../components/input/problems.ts";
import { choice, list, mapping, optional, problemsOf, text } from "../components/input/schema.ts";
import { isMaxFailed } from "../components/pools/budget.ts";

/** What becomes of a run that meets a cluster whose API server does not answer: it goes on without it, or halts. */
export type WhenUnreachable = "skip" | "halt";

/** What comes between a wave and the next one: so many milliseconds, or a question. */
export type Pause = number | "ask";

/** Some stacks that are taken together. */
export interface Wave {
  readonly name: string;
  /** Names of stacks, in the order in which they are started; at least one. */
  readonly stacks: readonly string[];
  /** How many of them run at the same time. */
  readonly concurrency: number;
  /** How many of them may fail, a number or a percentage, see `failuresAllowed`. */
  readonly maxFailed: number | string;
  /** What comes after it; 0 for nothing. */
  readonly pause: Pause;
}

/** A fleet: a stack for each cluster, in waves. */
export interface Fleet {
  /** Path of the folder with the program's Pulumi.yaml. */
  readonly program: string;
  readonly unreachable: WhenUnreachable;
  /** At least one; no stack is in two. */
  readonly waves: readonly Wave[];
}

/** So many stacks at a time are still told apart on one screen, and each takes a CPU's time now and then. */
const mostAtOnce = 100;

const name = text(
  "a name: letters, digits, -, _ and . inside, 1 to 63 of them",
  (value) => value.length <= 63 && /^\w([-\w.]*\w)?$/.test(value),
);
const stack = text(
  "a stack's name, such as prod-eu, or with its organization and project, such as acme/kube-proxy/prod-eu",
  (value) => /^([-\w.]+\/){0,2}[-\w.]{1,100}$/.test(value),
);
const acceptedConcurrency = `a whole number from 1 to ${mostAtOnce}`;
const acceptedFailed = "a number of clusters, 0 or more, or a percentage from 0% to 99%, such as 2 or 10%";
const acceptedPause = "a time such as 90s, 30m or 2h, or ask for a question";

const schema = mapping({
  program: optional(text("a folder's path", (value) => value !== "")),
  unreachable: optional(choice(["halt", "skip"])),
  waves: v.pipe(
    list(
      mapping({
        name,
        stacks: notEmpty(list(stack, "a list of stacks' names"), "at least one stack"),
        concurrency: optional(
          v.pipe(
            v.number(acceptedConcurrency),
            v.check(
              (value) => Number.isInteger(value) && value >= 1 && value <= mostAtOnce,
              acceptedConcurrency,
            ),
          ),
        ),
        maxFailed: optional(v.custom(isMaxFailed, acceptedFailed)),
        pause: optional(text(acceptedPause, (value) => pauseOf(value) !== undefined)),
      }),
      "a list of waves",
    ),
    v.check((waves) => waves.length > 0, "at least one wave"),
  ),
});

function notEmpty(of: v.GenericSchema<unknown[]>, accepted: string) {
  return v.pipe(
    of,
    v.check((items) => items.length > 0, accepted),
  );
}

/** What the schema lets through. */
interface Written {
  readonly program?: string;
  readonly unreachable?: WhenUnreachable;
  readonly waves: readonly {
    readonly name: string;
    readonly stacks: readonly string[];
    readonly concurrency?: number;
    readonly maxFailed?: number | string;
    readonly pause?: string;
  }[];
}

/**
 * Reads a fleet.
 *
 * @param path - of the file, which a relative `program` goes by
 * @param content - of the file: YAML
 * @throws ProblemsError with everything that is wrong in it
 */
export function readFleet(path: string, content: string): Fleet {
  const value = valueOf(path, content);
  const problems = problemsOf(schema, value);
  if (problems.length > 0) throw new ProblemsError(path, problems);
  const { program = ".", unreachable = "halt", waves } = value as Written;
  const contradictions = contradictionsIn(waves);
  if (contradictions.length > 0) throw new ProblemsError(path, contradictions);
  return {
    program: resolve(dirname(path), program),
    unreachable,
    waves: waves.map(({ concurrency = 1, maxFailed = 0, pause = "0s", ...wave }) => {
      return { ...wave, concurrency, maxFailed, pause: pauseOf(pause) ?? 0 };
    }),
  };
}

/** The stacks of all waves, in their order. */
export function stacksOf({ waves }: Pick<Fleet, "waves">): string[] {
  return waves.flatMap(({ stacks }) => stacks);
}

function valueOf(path: string, content: string): unknown {
  try {
    return parseYaml(content);
  } catch (error) {
    const accepted = `YAML: ${error instanceof Error ? error.message : String(error)}`;
    throw new ProblemsError(path, [{ path: "the file", accepted }]);
  }
}

function pauseOf(text: string): Pause | undefined {
  if (text === "ask") return text;
  const nanoseconds = parseGoDuration(text);
  return nanoseconds === undefined || nanoseconds < 0n ? undefined : Number(nanoseconds / 1_000_000n);
}

/** What is wrong where each part by itself is right. */
function contradictionsIn(waves: Written["waves"]): Problem[] {
  const names = waves.map(({ name: own }, index) => [`waves[${index}].name`, own] as const);
  const stacks = waves.flatMap((wave, index) =>
    wave.stacks.map((own, place) => [`waves[${index}].stacks[${place}]`, own] as const),
  );
  const last = waves.length - 1;
  return [
    ...repeated(names, "a name that no wave before it has"),
    ...repeated(stacks, "a stack that is named once: each is in one wave"),
    ...(waves[last]?.pause === undefined
      ? []
      : [{ path: `waves[${last}].pause`, accepted: "no pause: there is no wave after it" }]),
  ];
}

function repeated(entries: readonly (readonly [path: string, value: string])[], accepted: string): Problem[] {
  const seen = new Set<string>();
  return entries.flatMap(([path, value]) => {
    if (seen.has(value)) return [{ path, value, accepted }];
    seen.add(value);
    return [];
  });
}
