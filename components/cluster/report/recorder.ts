import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { recordOf } from "../../plan/modes.ts";
import type { PodSeen } from "../../report/courses.ts";
import { mostEarlier, page } from "../../report/page.ts";
import { type Expected, UpdateRecord } from "../../report/record.ts";
import { beginLine, markdownOf, waveLine } from "../../report/summary.ts";
import type { Occasion, Outcome, ProofReport, UpdateReport } from "../../report/types.ts";
import type { KubeConfig } from "../kubernetes.ts";
import { reasonOf } from "../verify/errors.ts";
import { metricsPortOf } from "../verify/probe.ts";
import { type Note, note, type Noted } from "./events.ts";
import { addStepSummary, ReportFiles, takeProof } from "./files.ts";
import { podsSeen, watchPods } from "./pods.ts";
import { settleReports } from "./settle.ts";
import { FirstSyncs } from "./syncs.ts";

/** Between two writings of what has been seen meanwhile, in milliseconds. */
const writeEveryMs = 5000;

/** How long first syncs are waited for when all else is done, in milliseconds: the proof has seen them by then. */
const settleMs = 2000;

/** How long a last word to the API server may take, in milliseconds: less than what the CLI leaves a program. */
const lastWordMs = 4000;

/** What a {@link Recorder} needs. */
export interface Recording {
  readonly expected: Expected;
  /** Where snapshots are, the folder of all clusters. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Records an update while it runs: watches the pods, asks new ones for their first sync, and keeps the report on the disk as
 * it grows, so that it is there whatever ends the update. It never fails an update: what it cannot do stands in the report.
 */
export class Recorder {
  readonly #config: KubeConfig;
  readonly #recording: Recording;
  readonly #record: UpdateRecord;
  readonly #files: ReportFiles;
  /** Where metrics are, by DaemonSet. */
  readonly #ports: ReadonlyMap<string, number>;
  readonly #syncs: FirstSyncs;
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout;
  /** The DaemonSets by name, as their pods name them. */
  readonly #sets = new Map<string, Noted>();
  readonly #noted = new Set<string>();
  #mayNote = true;
  #fault: string | undefined;
  /** They are over, so that they are read once. */
  #earlier: readonly UpdateReport[] | undefined;
  #isDirty = false;
  #ending: Promise<void> | undefined;
  #interrupted: Promise<void> | undefined;

  private constructor(config: KubeConfig, recording: Recording) {
    const { expected, folder } = recording;
    this.#config = config;
    this.#recording = recording;
    this.#record = new UpdateRecord(expected, Date.now(), { pid: process.pid, host: hostname() });
    this.#files = new ReportFiles(folder, expected.cluster.id, new Date(this.#record.began));
    this.#ports = new Map(
      expected.waves.map(({ daemonSet, after }) => [
        daemonSet,
        metricsPortOf(recordOf(after.configuration ?? "")),
      ]),
    );
    this.#syncs = new FirstSyncs(config, {
      signal: this.#stop.signal,
      onSync: (uid, at, isExact) => {
        this.#record.courses.synced(uid, this.#record.secondsAt(at), isExact);
        this.#isDirty = true;
      },
    });
    this.#timer = setInterval(() => {
      if (this.#isDirty) this.#write(false);
    }, writeEveryMs);
    this.#timer.unref();
    process.once("exit", this.#exit);
  }

  /**
   * Begins to record.
   *
   * @throws Error where the report cannot be written: then nothing is recorded
   */
  static async begin(config: KubeConfig, recording: Recording): Promise<Recorder> {
    settleReports(recording.folder, recording.expected.cluster.id);
    const recorder = new Recorder(config, recording);
    recorder.#write(true);
    if (recorder.#fault !== undefined) {
      recorder.#forget();
      throw new Error(recorder.#fault);
    }
    // Whoever listens already, as an engine in this process does, ends the program in an orderly way.
    if (process.listenerCount("SIGINT") === 0) process.on("SIGINT", recorder.#interrupt);
    await recorder.#watch();
    return recorder;
  }

  /** Path of the page. */
  get path(): string {
    return this.#files.page;
  }

  /** A wave's first object is about to be changed. */
  waveBegan(daemonSet: string): void {
    if (!this.#record.waveBegan(daemonSet, Date.now())) return;
    const { folder, expected } = this.#recording;
    // What an earlier update has left is not this one's.
    takeProof(folder, expected.cluster.id, daemonSet);
    this.#noteBegin(daemonSet);
    this.#write(true);
  }

  /** The update does something more than it was expected to. */
  adds(occasion: Occasion): void {
    this.#record.adds(occasion);
    this.#write(true);
  }

  /** A wave's pods are there and, where that is wanted, proved. */
  waveEnded(daemonSet: string): void {
    const { folder, expected } = this.#recording;
    const proof = takeProof(folder, expected.cluster.id, daemonSet);
    if (!this.#record.waveEnded(daemonSet, Date.now(), proof)) return;
    this.#write(true);
    const wave = this.#report().waves.find((one) => one.daemonSet === daemonSet);
    if (wave !== undefined) {
      void this.#note(daemonSet, { reason: "WaveEnded", message: `${daemonSet}: ${waveLine(wave)}` });
    }
  }

  /** All is done. */
  end(): Promise<void> {
    return (this.#ending ??= this.#succeed());
  }

  /** It has failed, as far as it was; what is being ended as done is seen through. */
  abandon(): Promise<void> {
    return (this.#ending ??= this.#fail());
  }

  async #succeed(): Promise<void> {
    const until = Date.now() + settleMs;
    while (this.#syncs.pending > 0 && Date.now() < until) await sleep(50);
    this.#finish("succeeded");
    await this.#lastWord({ reason: "UpdateSucceeded", message: this.#headline() });
  }

  async #fail(): Promise<void> {
    const failed = this.#record.running();
    this.#finish("failed");
    const waves = this.#report().waves.filter(({ daemonSet }) => failed.includes(daemonSet));
    const why = waves.map((wave) => `${wave.daemonSet}: ${waveLine(wave)}`);
    const message = [this.#headline(), ...why].join("; ");
    await this.#lastWord({ reason: "UpdateFailed", message, isWarning: true }, failed);
  }

  readonly #exit = (): void => {
    this.#finish("failed");
  };

  /**
   * The CLI ends the program so as soon as a resource has failed, or somebody has pressed Ctrl-C: twice at once, and for
   * good five seconds later. Nothing else of the program runs then, no "exit" either.
   */
  readonly #interrupt = (): void => {
    this.#interrupted ??= this.abandon().finally(() => {
      process.off("SIGINT", this.#interrupt);
      process.kill(process.pid, "SIGINT");
    });
  };

  get #before(): readonly UpdateReport[] {
    return (this.#earlier ??= this.#files.earlier(mostEarlier));
  }

  #forget(): void {
    clearInterval(this.#timer);
    process.off("exit", this.#exit);
  }

  /** Writes what there is for the last time. Nothing in it waits, since a process that exits does not. */
  #finish(outcome: Outcome): void {
    if (this.#record.hasEnded) return;
    const { folder, expected, env } = this.#recording;
    const proofs = new Map<string, ProofReport>();
    for (const daemonSet of this.#record.running()) {
      const proof = takeProof(folder, expected.cluster.id, daemonSet);
      if (proof !== null) proofs.set(daemonSet, proof);
    }
    this.#record.end(outcome, Date.now(), proofs);
    this.#forget();
    try {
      addStepSummary(env, markdownOf(this.#report()));
    } catch (error) {
      this.#record.lacks(`GITHUB_STEP_SUMMARY could not be written: ${reasonOf(error)}.`);
    }
    this.#write(true);
  }

  /** Says one thing more in the cluster, and ends the connections: an open watch would keep the process from ending. */
  async #lastWord(note: Note, daemonSets: readonly string[] = [...this.#sets.keys()]): Promise<void> {
    const touched = daemonSets.filter((name) => this.#noted.has(this.#sets.get(name)?.uid ?? ""));
    const words = touched.map((name) => this.#note(name, note));
    await Promise.race([Promise.all(words), sleep(lastWordMs, undefined, { ref: false })]);
    this.#stop.abort();
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop;
    try {
      const pods = await podsSeen(this.#config, signal);
      this.#record.existing(pods);
      for (const { owner } of pods) if (owner !== undefined) this.#sets.set(owner.name, owner);
    } catch (error) {
      // Who was there before is not known, so that all that a watch tells of would seem to be new.
      this.#record.lacks(`Pods could not be listed: ${reasonOf(error)}.`);
      return;
    }
    const watcher = {
      onPod: (pod: PodSeen): void => {
        this.#see(pod);
      },
      onGone: (uid: string): void => {
        this.#record.courses.gone(uid, this.#record.secondsAt(Date.now()));
        this.#isDirty = true;
      },
      onFault: (reason: string): void => {
        this.#record.lacks(`Pods could not be watched for a while: ${reason}.`);
      },
    };
    void watchPods(this.#config, watcher, signal);
  }

  #see(pod: PodSeen): void {
    const { owner } = pod;
    if (owner !== undefined && this.#sets.get(owner.name)?.uid !== owner.uid) {
      this.#sets.set(owner.name, owner);
      if (this.#record.running().includes(owner.name)) this.#noteBegin(owner.name);
    }
    const isNowReady = this.#record.courses.see(pod, this.#record.secondsAt(Date.now()));
    if (isNowReady) {
      const port = this.#ports.get(owner?.name ?? "") ?? metricsPortOf(undefined);
      this.#syncs.ask({ uid: pod.uid, name: pod.name, port });
    }
    this.#isDirty = true;
  }

  /** Also on the DaemonSet that a restart makes: whoever describes that one should see it. */
  #noteBegin(daemonSet: string): void {
    const { uid } = this.#sets.get(daemonSet) ?? {};
    if (uid === undefined || this.#noted.has(uid)) return;
    this.#noted.add(uid);
    const message = beginLine(this.#recording.expected, daemonSet);
    void this.#note(daemonSet, { reason: "UpdateBegan", message });
  }

  async #note(daemonSet: string, what: Note): Promise<void> {
    const set = this.#sets.get(daemonSet);
    if (set === undefined || !this.#mayNote) return;
    try {
      await note(this.#config, set, what, Date.now());
    } catch (error) {
      this.#mayNote = false;
      this.#record.lacks(`Events could not be written: ${reasonOf(error)}.`);
    }
  }

  #headline(): string {
    const { waves, ended, began, outcome } = this.#report();
    const took = (Date.parse(ended ?? began) - Date.parse(began)) / 1000;
    const count = waves.filter(({ state }) => state !== "unchanged").length;
    return `Update ${outcome} after ${took.toFixed(1)} s, ${count} of ${waves.length} DaemonSets touched`;
  }

  #report() {
    return this.#record.report(Date.now(), this.#files.snapshot());
  }

  /** Whatever becomes of the file, the update goes on. */
  #write(withPage: boolean): void {
    this.#isDirty = false;
    try {
      const report = this.#report();
      this.#files.write(report, withPage ? page(report, this.#before) : undefined);
    } catch (error) {
      this.#fault = reasonOf(error);
      this.#record.lacks(`The report could not be written for a while: ${this.#fault}.`);
    }
  }
}
