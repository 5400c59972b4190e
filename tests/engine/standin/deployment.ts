/** One operation: takes goals, plans, acts, and keeps the state. */
import type { Op } from "../types.ts";
import type { Display } from "./display.ts";
import { Hooks } from "./hooks.ts";
import type { Registered, Registrar } from "./monitor.ts";
import type { Packages } from "./packages.ts";
import { dependentReplacements, dependentsFirst, type Goal, type Plan, plan, type Resource } from "./plan.ts";
import { type Made, NotReady, type Provider } from "./provider.ts";
import { clusterType, isSecretOutput, Providers } from "./providers.ts";
import type { State } from "./state.ts";
import { has, plain, type Props, prune, secret } from "./values.ts";

export interface DeploymentOptions {
  state: State;
  packages: Packages;
  display: Display;
  preview: boolean;
  /** URN of a resource that is replaced, whatever the program says. */
  replace: string | undefined;
  /** Ends the waiting. */
  signal: AbortSignal;
}

/** A step has failed, and the user has read why. */
class StepFailed extends Error {}

export class Deployment implements Registrar {
  readonly #options: DeploymentOptions;
  readonly hooks = new Hooks();
  readonly #providers: Providers;
  readonly #registered = new Set<string>();
  #queue: Promise<unknown> = Promise.resolve();
  /** Whether anything has failed; then nothing is deleted at the end. */
  failed = false;

  constructor(options: DeploymentOptions) {
    this.#options = options;
    this.#providers = new Providers(options.state, options.packages, this.#log);
  }

  readonly #log = (line: string): void => {
    this.#options.display.info(line);
  };

  /** Handles one goal at a time, in the order in which the program's dependencies let them come. */
  register(goal: Goal, aliases: readonly string[]): Promise<Registered> {
    const result = this.#queue.then(async () => {
      try {
        return { ...(await this.#register(goal, aliases)), failed: false };
      } catch (error) {
        return this.refuse(goal, error);
      }
    });
    this.#queue = result;
    return result;
  }

  refuse(resource: Pick<Goal, "type" | "name">, error: unknown): Registered {
    this.failed = true;
    if (!(error instanceof StepFailed)) this.#options.display.error(resource, error);
    return { id: "", outputs: {}, failed: true };
  }

  registerOutputs(urn: string, outputs: Props): void {
    const { state, display } = this.#options;
    const component = state.find(urn);
    if (!component) return;
    state.put({ ...component, outputs });
    display.outputs(component, outputs);
  }

  /** Deletes what the program no longer asks for, and the originals of what was replaced. */
  async finish(): Promise<void> {
    if (this.failed) return;
    const unwanted = (resource: Resource): boolean =>
      resource.pendingDelete === true || !this.#registered.has(resource.urn);
    await this.#deleteAll(this.#options.state.resources.filter(unwanted));
  }

  /** Deletes everything. */
  async destroy(): Promise<void> {
    if (this.failed) return;
    await this.#deleteAll(this.#options.state.resources);
  }

  /**
   * Reads all that the state has into the state, as the CLI does before the program runs: by the provider of the state, be it
   * that the program has another one.
   */
  async refresh(): Promise<void> {
    const { state, packages, display } = this.#options;
    const providers = new Providers(state, packages, this.#log);
    const refresh = async (resource: Resource): Promise<void> => {
      const { type, name, id, inputs, outputs } = resource;
      const provider = providers.of(resource);
      const live = await provider.read?.(resource, id);
      if (provider.read && live === undefined) {
        display.line(`    ${type} ${name} was deleted by somebody else`);
        state.remove(resource);
      }
      if (live === undefined) return;
      const { initErrors: _, ...read } = this.#resource(resource, { id, outputs: live });
      const why = provider.unhealthy?.(live);
      if (why !== undefined) display.line(`warning: Refreshed resource is in an unhealthy state:\n* ${why}`);
      state.put({
        ...read,
        inputs: sealedAs(inputs, prune(plain(inputs), live, plain(outputs)) as Props),
        ...(why !== undefined && { initErrors: [why] }),
      });
    };
    const known = state.resources.filter(
      ({ custom, pendingReplacement, pendingDelete }) => custom && !pendingReplacement && !pendingDelete,
    );
    await Promise.all(
      known.map((resource) => refresh(resource).catch((error: unknown) => this.refuse(resource, error))),
    );
  }

  async #register(goal: Goal, aliases: readonly string[]): Promise<Omit<Registered, "failed">> {
    const { state, signal, preview, display } = this.#options;
    signal.throwIfAborted();
    this.#registered.add(goal.urn);
    const found = state.find(goal.urn);
    const renamed = aliases.find((alias) => !found && state.find(alias));
    if (renamed) throw new Error(`the stand-in does not know renames by alias, here of ${renamed}`);
    if (!goal.custom) {
      const component = { ...goal, id: "", outputs: found?.outputs ?? {} };
      return this.#step(found ? "same" : "create", goal, undefined, () => Promise.resolve(component));
    }
    const provider = this.#providers.of(goal);
    const forceNew = provider.forceNew(goal);
    const old = found ?? (goal.importId === "" ? undefined : await this.#import(goal, provider));
    const isForced = this.#options.replace === goal.urn;
    const decided = plan(goal, old, { base: plain(old?.inputs ?? {}), forceNew, isForced });
    if (decided.problem !== undefined) {
      // The CLI lets a preview show what it cannot do to a resource that is being imported.
      if (!preview || goal.importId === "") throw new Error(decided.problem);
      display.line(`warning: ${decided.problem}`);
    }
    const isWaiting = old?.initErrors !== undefined || old?.pendingReplacement === true || isForced;
    const isSame = old !== undefined && !isWaiting && (await provider.isSame?.(old, decided.inputs)) === true;
    return this.#carryOut(goal, old, isSame ? { ...decided, op: "same" } : decided, provider);
  }

  /** Adopts what is there, with inputs as they are there. */
  async #import(goal: Goal, provider: Provider): Promise<Resource> {
    if (has("secret", goal.inputs)) throw new Error("the stand-in does not know imports with secrets");
    const outputs = await provider.read?.(goal, goal.importId);
    if (!outputs) throw new Error(`resource '${goal.importId}' does not exist`);
    // The CLI's Kubernetes provider compares with all that is there, be it filled in by the API server.
    const { subjects } = outputs;
    const inputs = { ...(prune(goal.inputs, outputs) as Props), ...(subjects !== undefined && { subjects }) };
    const imported = this.#resource({ ...goal, inputs }, { id: goal.importId, outputs });
    return this.#step("import", goal, undefined, () => Promise.resolve(imported));
  }

  async #carryOut(
    goal: Goal,
    old: Resource | undefined,
    decided: Plan,
    provider: Provider,
  ): Promise<Resource> {
    const { preview, signal } = this.#options;
    const next = { ...goal, inputs: decided.inputs };
    const step = (op: Op, reused: Resource | undefined, make: () => Promise<Made>): Promise<Resource> =>
      this.#step(op, next, decided, async () => {
        const expect = async () => ({ id: reused?.id ?? "", outputs: await provider.preview(next, reused) });
        return this.#resource(next, await (preview ? expect() : make()));
      });
    if (old && decided.op === "same") {
      return this.#step("same", next, undefined, () => Promise.resolve({ ...old, ...next }));
    }
    if (old && decided.op === "update") {
      return step("update", old, async () => {
        await this.hooks.runBefore("update", next);
        return provider.update(next, old, signal);
      });
    }
    const create = async (): Promise<Made> => {
      await this.hooks.runBefore("create", next);
      return provider.create(next, signal);
    };
    if (!old) return step("create", undefined, create);
    if (goal.type === clusterType) throw new Error("the stand-in does not know replacing a provider");
    const first = decided.deleteFirst || old.pendingReplacement === true;
    if (first) await this.#deleteForReplacement(old);
    // A step for the eye only, which comes between what happens to the old one and to the new one.
    const replace = (): Promise<undefined> =>
      this.#step("replace", next, decided, () => Promise.resolve(undefined));
    if (first) await replace();
    const made = await step("create-replacement", undefined, create);
    if (!first) await replace();
    return made;
  }

  async #deleteForReplacement(old: Resource): Promise<void> {
    const { state } = this.#options;
    const later = state.resources.filter(({ urn, custom }) => custom && !this.#registered.has(urn));
    const forceNew = (resource: Resource): ReturnType<Provider["forceNew"]> =>
      this.#providers.of(resource).forceNew(resource);
    const inOrder = dependentsFirst(later).reverse();
    for (const resource of [...dependentReplacements(old, inOrder, forceNew), old]) {
      if (!resource.pendingReplacement) await this.#delete("delete-replaced", resource);
      state.put({ ...resource, pendingReplacement: true });
    }
  }

  async #deleteAll(resources: readonly Resource[]): Promise<void> {
    const { state, signal } = this.#options;
    try {
      for (const resource of dependentsFirst(resources)) {
        signal.throwIfAborted();
        // What is pending replacement has been deleted already.
        if (!resource.pendingReplacement) {
          await this.#delete(resource.pendingDelete ? "delete-replaced" : "delete", resource);
        }
        state.remove(resource);
      }
    } catch (error) {
      this.failed = true;
      if (!(error instanceof StepFailed)) throw error;
    }
  }

  async #delete(op: "delete" | "delete-replaced", resource: Resource): Promise<void> {
    const { preview, signal } = this.#options;
    await this.#step(op, resource, undefined, async () => {
      if (op === "delete" && resource.protect) {
        throw new Error(
          `unable to delete resource "${resource.urn}"\nas it is currently marked for protection. ` +
            "To unprotect the resource, remove the `protect` flag from the resource in your Pulumi " +
            "program and run `pulumi up`",
        );
      }
      if (preview || !resource.custom || resource.retainOnDelete) return undefined;
      await this.#providers.of(resource).delete(resource, signal);
      return undefined;
    });
  }

  /** Shows a step, remembers that it is under way, and keeps what comes of it. */
  async #step<T extends Resource | undefined>(
    op: Op,
    goal: Goal,
    decided: Plan | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    const { state, display } = this.#options;
    const shown = display.step(op, goal, decided);
    const settle = op === "same" || op === "replace" ? undefined : state.begin(goal.urn, op);
    try {
      const resource = await work();
      if (resource) this.#keep(op, resource);
      shown.done();
      return resource;
    } catch (error) {
      if (error instanceof NotReady) {
        this.#keep(op, { ...this.#resource(goal, error.made), initErrors: [error.message] });
      }
      shown.failed(error);
      throw new StepFailed(String(error), { cause: error });
    } finally {
      settle?.();
    }
  }

  /** Keeps a resource; an original that a replacement was made beside is deleted at the end. */
  #keep(op: Op, resource: Resource): void {
    const { state } = this.#options;
    const old = state.find(resource.urn);
    const beside = op === "create-replacement" && old && !old.pendingReplacement;
    if (beside) state.put({ ...old, pendingDelete: true });
    state.put(resource);
  }

  #resource(goal: Goal, { id, outputs }: Made): Resource {
    const mark = ([key, value]: [string, unknown]): [string, unknown] => [
      key,
      isSecretOutput(goal, key) ? secret(value) : value,
    ];
    return { ...goal, id, outputs: Object.fromEntries(Object.entries(outputs).map(mark)) };
  }
}

/** The values with an envelope around each that had one inside before. */
function sealedAs(before: Props, values: Props): Props {
  const entries = Object.entries(values).map(([key, value]) => [
    key,
    has("secret", before[key]) ? secret(value) : value,
  ]);
  return Object.fromEntries(entries) as Props;
}
