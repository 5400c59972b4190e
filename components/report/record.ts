/** Pure: an update as it goes on, wave by wave. */
import { Courses, type PodSeen } from "./courses.ts";
import { nextSteps } from "./next.ts";
import {
  type Occasion,
  type Outcome,
  type ProofReport,
  reportKind,
  reportVersion,
  type UpdateReport,
  type WaveReport,
} from "./types.ts";

/** What is known of an update before it begins. */
export type Expected = Omit<
  UpdateReport,
  "kind" | "version" | "began" | "ended" | "written" | "outcome" | "writer" | "waves" | "next" | "unrecorded"
> & {
  readonly waves: readonly Omit<WaveReport, "began" | "ended" | "nodes" | "proof" | "failure">[];
};

type Progress = Pick<WaveReport, "state" | "began" | "ended" | "proof">;

/** An update as it goes on. */
export class UpdateRecord {
  readonly #began: number;
  readonly #expected: Expected;
  readonly #writer: UpdateReport["writer"];
  readonly #waves: Map<string, Progress>;
  readonly #unrecorded = new Set<string>();
  readonly #added = new Set<Occasion>();
  #courses = new Courses([]);
  #ended: { readonly at: number; readonly outcome: Outcome } | undefined;

  /**
   * @param began - when, in milliseconds since 1970
   * @param writer - this process
   */
  constructor(expected: Expected, began: number, writer: UpdateReport["writer"]) {
    this.#expected = expected;
    this.#began = began;
    this.#writer = writer;
    this.#waves = new Map(
      expected.waves.map(({ daemonSet, state }) => [
        daemonSet,
        { state, began: null, ended: null, proof: null },
      ]),
    );
  }

  /** When it began, in milliseconds since 1970. */
  get began(): number {
    return this.#began;
  }

  /** Whether it has ended, well or not. */
  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** What happens on nodes. */
  get courses(): Courses {
    return this.#courses;
  }

  /** Takes the pods that were there when it began. */
  existing(pods: readonly PodSeen[]): void {
    this.#courses = new Courses(pods);
  }

  /** Seconds since it began. */
  secondsAt(time: number): number {
    return Math.round(time - this.#began) / 1000;
  }

  /**
   * A wave's first step.
   *
   * @returns whether it had none before
   */
  waveBegan(daemonSet: string, time: number): boolean {
    const wave = this.#waves.get(daemonSet);
    if (wave === undefined || wave.began !== null) return false;
    this.#waves.set(daemonSet, { ...wave, state: "running", began: this.secondsAt(time) });
    return true;
  }

  /**
   * A wave is done.
   *
   * @param proof - null where nobody was asked to prove it
   * @returns whether this update had begun it
   */
  waveEnded(daemonSet: string, time: number, proof: ProofReport | null): boolean {
    const wave = this.#waves.get(daemonSet);
    if (wave?.state !== "running") return false;
    const state = proof === null ? "done" : "proved";
    this.#waves.set(daemonSet, { ...wave, state, ended: this.secondsAt(time), proof });
    return true;
  }

  /** It does something more than was expected. */
  adds(occasion: Occasion): void {
    this.#added.add(occasion);
  }

  /** Something could not be recorded. */
  lacks(sentence: string): void {
    this.#unrecorded.add(sentence);
  }

  /** Names of the DaemonSets whose wave has begun and not ended. */
  running(): string[] {
    return [...this.#waves].filter(([, { state }]) => state === "running").map(([daemonSet]) => daemonSet);
  }

  /**
   * It has ended; what is under way has failed where it has not succeeded.
   *
   * @param proofs - what the proofs under way have found, by DaemonSet
   */
  end(outcome: Outcome, time: number, proofs: ReadonlyMap<string, ProofReport> = new Map()): void {
    if (this.#ended !== undefined) return;
    for (const daemonSet of this.running()) {
      const wave = this.#waves.get(daemonSet);
      if (wave === undefined) continue;
      const proof = proofs.get(daemonSet) ?? null;
      this.#waves.set(daemonSet, { ...wave, state: "failed", ended: this.secondsAt(time), proof });
    }
    this.#ended = { at: time, outcome };
  }

  /**
   * The report as of now.
   *
   * @param snapshot - path of the newest snapshot
   */
  report(time: number, snapshot: string | null): UpdateReport {
    const outcome = this.#ended?.outcome ?? "running";
    const waves = this.#expected.waves.map((wave): WaveReport => {
      const progress = this.#waves.get(wave.daemonSet) ?? { began: null, ended: null, proof: null };
      const { courses } = this;
      const merged = { ...wave, ...progress, nodes: courses.of(wave.daemonSet) };
      const failure = merged.state === "failed" ? courses.lacking(wave.daemonSet) : null;
      return { ...merged, failure };
    });
    return {
      ...{ kind: reportKind, version: reportVersion },
      began: new Date(this.#began).toISOString(),
      ended: this.#ended === undefined ? null : new Date(this.#ended.at).toISOString(),
      written: new Date(time).toISOString(),
      outcome,
      writer: this.#writer,
      ...this.#expected,
      occasions: [...new Set([...this.#expected.occasions, ...this.#added])],
      snapshot,
      waves,
      next: nextSteps(outcome, waves, this.#expected.skipped),
      unrecorded: [...this.#unrecorded],
    };
  }
}
