/** Who makes which resources. */
import { Command } from "./command.ts";
import { ClusterProvider, isKnownKind, Kubernetes } from "./kubernetes.ts";
import type { Packages } from "./packages.ts";
import type { Goal } from "./plan.ts";
import type { Provider } from "./provider.ts";
import type { State } from "./state.ts";
import { has, plain } from "./values.ts";

/** The type of Pulumi's kubernetes provider. */
export const clusterType = "pulumi:providers:kubernetes";
const commandType = "command:local:Command";

/**
 * Stands for a provider whose options only the update will know: nobody is asked, and what it will say is unknown.
 *
 * Source: pulumi `pkg/resource/plugin/provider_plugin.go`, where `pcfg.known` is false.
 */
const unconfigured: Provider = {
  forceNew: () => [],
  preview: ({ inputs }) => plain(inputs),
  create: neverAsked,
  update: neverAsked,
  delete: neverAsked,
};

function neverAsked(): never {
  throw new Error("a provider whose options are unknown is asked for nothing but a preview");
}

export class Providers {
  readonly #clusters = new Map<string, Kubernetes>();
  readonly #state: State;
  readonly #packages: Packages;
  readonly #log: (line: string) => void;

  /** @param log - Takes what a provider says while it works. */
  constructor(state: State, packages: Packages, log: (line: string) => void) {
    this.#state = state;
    this.#packages = packages;
    this.#log = log;
  }

  /** @throws Error for a type that the stand-in does not know. */
  of({ type, provider }: Goal): Provider {
    if (type === clusterType) return new ClusterProvider();
    if (type === commandType && provider === "") return new Command(this.#log);
    const plugin = this.#packages.of(type);
    if (plugin !== undefined) return plugin;
    if (!isKnownKind(type)) throw new Error(`the stand-in does not know resource type ${type}`);
    const options = this.#state.find(provider)?.inputs;
    if (!options) throw new Error("the stand-in needs an explicit provider");
    // In a preview: the cluster is made by the update.
    if (has("unknown", options)) return unconfigured;
    const cluster = this.#clusters.get(provider) ?? new Kubernetes(plain(options), this.#log);
    this.#clusters.set(provider, cluster);
    return cluster;
  }
}

/** Whether an output is secret: what comes in as a secret does not go out as text. */
export function isSecretOutput({ type, inputs, additionalSecretOutputs }: Goal, key: string): boolean {
  // Every output of a command may show any of its inputs.
  return additionalSecretOutputs.includes(key) || has("secret", type === commandType ? inputs : inputs[key]);
}
