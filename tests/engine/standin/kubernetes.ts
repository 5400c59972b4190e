/**
 * Kubernetes objects, as the Pulumi provider handles them.
 *
 * Source: pulumi-kubernetes `provider/pkg/provider/{provider,diff}.go`, `provider/pkg/await/await.go`,
 * `PatchReplaceFieldsManagers` of fluxcd/pkg/ssa.
 */
import { randomUUID } from "node:crypto";

import { Api, ApiError, fieldManager, headerOf, Unreachable } from "./api.ts";
import type { Goal, Resource } from "./plan.ts";
import { type Made, NotReady, poll, type Provider } from "./provider.ts";
import { type DaemonSet, describePods, notRolledOut } from "./rollout.ts";
import { at, has, isObject, parsePath, type Path, plain, type Props, replaceAt } from "./values.ts";

/** Managers whose fields the provider takes over before it applies. `kubeadm` is not one. */
const takenOver = /^(pulumi-kubernetes|kubectl|before-first-apply)/;
const propagationPolicy = parsePath('metadata.annotations["pulumi.com/deletionPropagationPolicy"]');
const patchForce = parsePath('metadata.annotations["pulumi.com/patchForce"]');
const uidPath = parsePath("metadata.uid");

/** The kinds this stand-in knows, each with what cannot be changed in place. */
const forceNew: Record<string, string[]> = {
  "kubernetes:core/v1:ConfigMap": ["data", "binaryData"],
  "kubernetes:core/v1:ServiceAccount": [],
  "kubernetes:apps/v1:DaemonSet": ["spec.selector"],
  "kubernetes:rbac.authorization.k8s.io/v1:Role": [],
  "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole": [],
  "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": ["roleRef"],
  "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding": ["roleRef"],
};
const knownOptions = [
  "kubeconfig",
  "context",
  "clusterIdentifier",
  "enableConfigMapMutable",
  "enablePatchForce",
];
const knownAnnotations = [
  "pulumi.com/patchForce",
  "pulumi.com/deletionPropagationPolicy",
  "pulumi.com/waitFor",
];

/** Whether {@link Kubernetes} makes resources of this type. */
export function isKnownKind(type: string): boolean {
  return type in forceNew;
}

/** Makes the objects of one `pulumi:providers:kubernetes`. */
export class Kubernetes implements Provider {
  readonly #options: Props;
  readonly #api: Api;
  readonly #log: (line: string) => void;

  constructor(options: Props, log: (line: string) => void) {
    this.#options = options;
    this.#api = new Api(options);
    this.#log = log;
  }

  forceNew({ type, inputs }: Goal): Path[] {
    const { annotations = {}, name } = (inputs["metadata"] ?? {}) as { annotations?: Props; name?: string };
    if (name === undefined) throw new Error("metadata.name: required, the stand-in makes up no names");
    const ours = Object.keys(annotations).filter((key) => key.startsWith("pulumi.com/"));
    refuse("annotation", ours, knownAnnotations);
    const mutable = this.#options["enableConfigMapMutable"] === "true" && inputs["immutable"] !== true;
    const fixed = type.endsWith(":ConfigMap") && mutable ? [] : (forceNew[type] ?? []);
    return ["metadata.name", "metadata.namespace", ...fixed].map(parsePath);
  }

  async read({ inputs }: Goal, id: string): Promise<Props | undefined> {
    const object = await this.#api.read(headerOf(plain(inputs), id)).catch((error: unknown) => {
      throw error instanceof Unreachable ? new Error(unreadable) : error;
    });
    return object && withoutManagedFields(object);
  }

  /** A refresh looks for every node, whatever an annotation says of the wait. */
  unhealthy(outputs: Props): string | undefined {
    if (outputs["kind"] !== "DaemonSet") return undefined;
    const object = withoutWaitFor(outputs) as DaemonSet;
    return notRolledOut(object) && `Resource '${object.metadata.name}' was created but failed to initialize`;
  }

  /** Tries a create out on the API server, which makes up a UID; but not where a value is not known yet. */
  async preview({ name, inputs }: Goal, old: Resource | undefined): Promise<Props> {
    const wanted = plain(inputs);
    if (old) {
      return replaceAt({ ...plain(old.outputs), ...wanted }, uidPath, at(old.outputs, uidPath)) as Props;
    }
    if (has("unknown", wanted)) return wanted;
    try {
      const { status, ...made } = withoutManagedFields(await this.#api.create(wanted, "All"));
      return made;
    } catch (error) {
      if (!(error instanceof ApiError) || !["AlreadyExists", "Forbidden"].includes(error.reason)) throw error;
      if (error.reason === "AlreadyExists") this.#log(`${name}: Retry #0; creation failed: ${error.message}`);
      return wanted;
    }
  }

  async create(goal: Goal, signal: AbortSignal): Promise<Made> {
    const object = plain(goal.inputs);
    try {
      await this.#api.create(object);
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason !== "AlreadyExists") throw error;
      throw new Error(
        `${error.message}\n\nThe resource already exists in the cluster. Adopt it with the ` +
          "`import` option, delete it, or, if this is a replacement, set deleteBeforeReplace.",
        { cause: error },
      );
    }
    const { namespace, name } = object["metadata"] as { namespace?: string; name: string };
    const id = namespace === undefined ? name : `${namespace}/${name}`;
    return this.#ready(goal, id, true, signal);
  }

  async update(goal: Goal, old: Resource, signal: AbortSignal): Promise<Made> {
    const live = await this.#takeOver(headerOf(plain(goal.inputs), old.id));
    // An ignored field is sent as it is, or the apply would give it up; but the provider takes paths apart at every dot.
    const ignored = goal.ignoreChanges.map(parsePath).filter((path) => !path.join().includes("."));
    const object = ignored.reduce<unknown>((inputs, path) => {
      const value = at(live, path);
      return value === undefined ? inputs : replaceAt(inputs, path, value);
    }, plain(goal.inputs)) as Props;
    const forced = at(object, patchForce) === "true" || this.#options["enablePatchForce"] === "true";
    await this.#api.apply(object, forced);
    return this.#ready(goal, old.id, false, signal);
  }

  async delete(old: Resource, signal: AbortSignal): Promise<void> {
    const inputs = plain(old.inputs);
    const header = headerOf(inputs, old.id);
    const uid = at(await this.#api.read(header), uidPath);
    if (uid === undefined) return;
    const policy = at(inputs, propagationPolicy);
    await this.#api.delete(header, typeof policy === "string" ? policy : "foreground");
    const gone = async (): Promise<boolean> => at(await this.#api.read(header), uidPath) !== uid;
    if (!(await poll(old.timeouts.delete, signal, gone))) {
      throw new Error(`${old.id} is still there ${old.timeouts.delete} s after it was deleted`);
    }
  }

  /** Waits until the object is ready; of the known kinds only a DaemonSet takes time to be. */
  async #ready(goal: Goal, id: string, isNew: boolean, signal: AbortSignal): Promise<Made> {
    const seconds = isNew ? goal.timeouts.create : goal.timeouts.update;
    const made: Made = { id, outputs: {} };
    let reason: string | undefined;
    const ready = async (): Promise<boolean> => {
      made.outputs = (await this.read(goal, id)) ?? {};
      if (!goal.type.endsWith(":DaemonSet")) return true;
      const now = notRolledOut(made.outputs as DaemonSet);
      if (now !== undefined && now !== reason) this.#log(`${goal.name}: ${now}`);
      reason = now;
      return now === undefined;
    };
    try {
      if (await poll(seconds, signal, ready)) return made;
    } catch (error) {
      throw new NotReady(`waiting for "${id}" ended: ${String(error)}`, made);
    }
    for (const line of await describePods(this.#api, made.outputs as DaemonSet)) this.#log(line);
    const what = isNew
      ? `resource "${goal.urn}" was successfully created, but the Kubernetes API server reported that it`
      : `the Kubernetes API server reported that "${id}"`;
    throw new NotReady(
      `${what} failed to fully initialize or become live: timed out waiting for the condition`,
      made,
    );
  }

  /**
   * Makes the fields of {@link takenOver} ours as an apply's: to the API server the updates and the
   * applies of one manager are two owners, which would conflict.
   *
   * The patch names no resourceVersion, so that the API server itself sees to a status that its
   * controller has written meanwhile.
   *
   * @returns The live object.
   */
  async #takeOver(header: Props): Promise<Props> {
    const live = await this.#api.read(header);
    if (!live) throw new Error("was deleted by somebody else: run `pulumi refresh`");
    const { managedFields = [] } = live["metadata"] as { managedFields?: ManagedFields[] };
    const taken = managedFields.filter((entry) => takenOver.test(entry.manager) && !entry.subresource);
    if (taken.every((entry) => entry.manager === fieldManager && entry.operation === "Apply")) return live;
    const fieldsV1 = taken.reduce<Props>((fields, entry) => merge(fields, entry.fieldsV1), {});
    const ours = { ...taken[0], manager: fieldManager, operation: "Apply", fieldsV1 };
    const others = managedFields.filter((entry) => !taken.includes(entry));
    const metadata = { ...(header["metadata"] as Props), managedFields: [...others, ours] };
    return this.#api.merge({ ...header, metadata });
  }
}

/** The provider itself, which is a resource too. */
export class ClusterProvider implements Provider {
  forceNew({ inputs }: Goal): Path[] {
    refuse("provider option", Object.keys(inputs), knownOptions);
    // Without an identifier of its own, a cluster is what the kubeconfig says.
    return "clusterIdentifier" in inputs ? [["clusterIdentifier"]] : [["kubeconfig"], ["context"]];
  }

  preview({ inputs }: Goal): Props {
    return plain(inputs);
  }

  create({ inputs }: Goal): Promise<Made> {
    return Promise.resolve({ id: randomUUID(), outputs: plain(inputs) });
  }

  update({ inputs }: Goal, old: Resource): Promise<Made> {
    return Promise.resolve({ id: old.id, outputs: plain(inputs) });
  }

  delete(): Promise<void> {
    return Promise.resolve();
  }
}

/** What a refresh, or an import, says of a cluster that does not answer. Source: `provider.go` (Read). */
const unreadable =
  "failed to read resource state due to unreachable cluster. If the cluster was deleted, you can remove this resource from " +
  'Pulumi state by rerunning the operation with the PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"';

interface ManagedFields {
  manager: string;
  operation: string;
  subresource?: string;
  fieldsV1: Props;
}

function refuse(what: string, given: string[], known: string[]): void {
  const unknown = given.filter((key) => !known.includes(key));
  if (unknown.length === 0) return;
  throw new Error(`the stand-in does not know ${what} ${unknown.join(", ")}; it knows ${known.join(", ")}`);
}

function withoutWaitFor(object: Props): Props {
  return replaceAt(object, parsePath('metadata.annotations["pulumi.com/waitFor"]'), undefined) as Props;
}

function withoutManagedFields(object: Props): Props {
  return replaceAt(object, ["metadata", "managedFields"], undefined) as Props;
}

function merge(a: Props, b: Props): Props {
  const both = Object.entries(b).map(([key, value]) => {
    const other = a[key];
    return [key, isObject(other) && isObject(value) ? merge(other, value) : value] as const;
  });
  return { ...a, ...Object.fromEntries(both) };
}
