import * as pulumi from "@pulumi/pulumi";
import type { ClusterAccess } from "../args.ts";
import type { Recorder } from "../cluster/report/recorder.ts";
import { printable } from "../input/printable.ts";
import type { Wave } from "../pools/waves.ts";
import type { Expected } from "../report/record.ts";
import { hookOf, openPlain, plain } from "./hooks.ts";
import { promiseOf } from "./known.ts";

/** Those that have begun in this process. */
const begun = new Set<Promise<Recorder | undefined>>();

/**
 * Ends the reports of all updates in this process, which is about to be killed: what is not done by now has failed. To be
 * called by a plugin, which is told so; a program is by a signal, see `Recorder`.
 */
export async function endRecordings(): Promise<void> {
  await Promise.all([...begun].map(async (recorder) => (await recorder)?.abandon()));
}

/**
 * The report of an update, see `Recorder`: begun by the first resource of those that an update of pods touches, ended when
 * all resources are there, or one is not. In a preview, and where no pod is touched, nothing of it is loaded.
 */
export class Recording {
  readonly #name: string;
  readonly #cluster: ClusterAccess;
  readonly #folder: pulumi.Input<string> | undefined;
  readonly #parent: pulumi.Resource;
  #expected: (() => Expected) | undefined;
  #recorder: Promise<Recorder | undefined> | undefined;
  readonly #waves: pulumi.Output<unknown>[] = [];
  readonly #hooks = new Map<string, pulumi.ResourceHook>();

  /**
   * @param parent - the component, with whose name those of the hooks begin
   * @param folder - where snapshots are; undefined for their default
   */
  constructor(
    parent: pulumi.Resource,
    name: string,
    {
      cluster,
      folder,
    }: { readonly cluster: ClusterAccess; readonly folder: pulumi.Input<string> | undefined },
  ) {
    this.#parent = parent;
    this.#name = name;
    this.#cluster = cluster;
    this.#folder = folder;
  }

  /** Takes what says what the update is going to do, once that is wanted; before any resource is registered. */
  expect(expected: () => Expected): void {
    this.#expected = expected;
  }

  /**
   * Hooks of a resource with which an update of pods begins.
   *
   * @param others - what comes after this one
   * @param wave - whose resource it is; undefined for one that is of none
   */
  before(
    others: pulumi.ResourceHookBinding,
    pool: string | undefined,
    wave: pulumi.Output<Wave> | undefined,
  ): pulumi.ResourceHookBinding {
    const { beforeCreate = [], beforeUpdate = [] } = others;
    const name = pool === undefined ? "recording" : `${pool}-recording`;
    const hook =
      wave === undefined
        ? this.#hook(name, () => undefined)
        : this.#hook(`${name}-wave`, async (recorder) => {
            recorder.waveBegan((await plain(wave)).daemonSet.metadata.name);
          });
    return { beforeCreate: [hook, ...beforeCreate], beforeUpdate: [hook, ...beforeUpdate] };
  }

  /** Hooks of what restarts some nodes alone. */
  ofNodes(): pulumi.CustomResourceOptions {
    const hook = this.#hook("recording-nodes", (recorder) => {
      recorder.adds("restart of nodes");
    });
    return { hooks: { beforeCreate: [hook] } };
  }

  /** One hook for all resources that have it. */
  #hook(name: string, then: (recorder: Recorder) => void | Promise<void>): pulumi.ResourceHook {
    const found = this.#hooks.get(name);
    if (found !== undefined) return found;
    const hook = hookOf(`${this.#name}-${name}`, async () => {
      const recorder = await this.#begin();
      if (recorder !== undefined) await then(recorder);
    });
    this.#hooks.set(name, hook);
    return hook;
  }

  /** @param last - an output of the last resource of a wave */
  waveEnds(wave: pulumi.Output<Wave>, last: pulumi.Output<unknown>): void {
    const ended = pulumi.all([wave, last]).apply(async ([{ daemonSet }]) => {
      (await this.#recorder)?.waveEnded(daemonSet.metadata.name);
    });
    this.#waves.push(ended);
  }

  /** @param all - all resources; after {@link waveEnds} of all waves */
  ends(all: readonly pulumi.Resource[]): void {
    const outputs: pulumi.Output<unknown>[] = [...all.map(({ urn }) => urn), ...this.#waves];
    // Also where one stays unknown, as with `--target`: a watch that is left open would keep the program from ending.
    promiseOf(pulumi.all(outputs)).then(
      async () => (await this.#recorder)?.end(),
      async () => (await this.#recorder)?.abandon(),
    );
  }

  /** Whatever goes wrong, it is no reason for the update to fail. */
  #begin(): Promise<Recorder | undefined> {
    this.#recorder ??= this.#open().catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      void pulumi.log.warn(`no report of this update is written: ${printable(reason)}`, this.#parent);
      return undefined;
    });
    begun.add(this.#recorder);
    return this.#recorder;
  }

  async #open(): Promise<Recorder | undefined> {
    const expected = this.#expected?.();
    if (expected === undefined) return undefined;
    const config = await openPlain(this.#cluster);
    const [{ Recorder }, { defaultFolder }] = await Promise.all([
      import("../cluster/report/recorder.ts"),
      import("../cluster/ownFolder.ts"),
    ]);
    const folder = (await plain(this.#folder)) ?? defaultFolder(process.env);
    const recorder = await Recorder.begin(config, { expected, folder, env: process.env });
    void pulumi.log.info(`report: ${printable(recorder.path)}`, this.#parent);
    return recorder;
  }
}
