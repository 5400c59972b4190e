/** Pulumi's resource monitor: takes the program's registrations, with every option. */
import pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import proto from "@pulumi/pulumi/proto/resource_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";

import type { Hooks } from "./hooks.ts";
import type { Deploying, Packages } from "./packages.ts";
import type { Goal } from "./plan.ts";
import type { Props } from "./values.ts";

type Request = InstanceType<typeof proto.RegisterResourceRequest>;
type Callback<T> = (error: Error | null, response?: T) => void;

/** What the engine answers to a registration. */
export interface Registered {
  id: string;
  outputs: Props;
  failed: boolean;
}

/** Who handles what the program registers. */
export interface Registrar {
  register(goal: Goal, aliases: readonly string[]): Promise<Registered>;
  /** Reports a registration that is no goal. */
  refuse(resource: Pick<Goal, "type" | "name">, error: unknown): Registered;
  registerOutputs(urn: string, outputs: Props): void;
  readonly hooks: Hooks;
}

/** Default of Pulumi's kubernetes provider: 10 minutes. */
const defaultTimeout = 600;

/** Options that the stand-in does not know. */
const unknownOptions: Record<string, (request: Request) => boolean> = {
  replacementTrigger: (request) => request.hasReplacementTrigger(),
  replaceWith: (request) => request.getReplaceWithList().length > 0,
  deletedWith: (request) => request.getDeletedwith() !== "",
  "hooks but beforeCreate and beforeUpdate": (request) => {
    const known = ["beforeCreateList", "beforeUpdateList"];
    const hooks = Object.entries(request.getHooks()?.toObject() ?? {});
    return hooks.some(([when, names]) => !known.includes(when) && names.length > 0);
  },
  transforms: (request) => request.getTransformsList().length > 0,
  stateMigrations: (request) => request.getStateMigrationsList().length > 0,
  envVarMappings: (request) => request.getEnvvarmappingsMap().getLength() > 0,
};

function refuse(what: string): never {
  throw new pulumi.RunError(`the stand-in engine does not know ${what}; it needs the Pulumi CLI`);
}

/** Pulumi's own monitor for tests, with an engine behind it. */
export class Monitor extends MockMonitor {
  readonly #prefix: string;
  readonly #registrar: Registrar;
  readonly #packages: Packages;
  readonly #deploying: Deploying;
  readonly #inherited = new Map<string, { protect: boolean; retainOnDelete: boolean }>();

  constructor(deploying: Deploying, registrar: Registrar, packages: Packages) {
    super({
      call: ({ token }) => refuse(`function ${token}`),
      newResource: ({ type }) => refuse(`reading ${type}`),
    });
    this.#prefix = `urn:pulumi:${deploying.stack}::${deploying.project}::`;
    this.#registrar = registrar;
    this.#packages = packages;
    this.#deploying = deploying;
  }

  override async registerResource(request: Request, callback: Callback<unknown>): Promise<void> {
    if (request.getRemote()) {
      callback(null, await this.#construct(request));
      return;
    }
    const [type, name] = [request.getType(), request.getName()];
    const urn = this.#urnOf(request.getParent(), type, name);
    const { id, outputs, failed } = await this.#register(request, urn);
    const response = new proto.RegisterResourceResponse();
    response.setUrn(urn);
    response.setId(id);
    response.setObject(struct.Struct.fromJavaScript(outputs as Record<string, struct.JavaScriptValue>));
    response.setResult(failed ? proto.Result.FAIL : proto.Result.SUCCESS);
    callback(null, response);
  }

  /** A component that its package's plugin makes: what it is made of comes as registrations of the plugin's. */
  async #construct(request: Request): Promise<unknown> {
    const [type, name] = [request.getType(), request.getName()];
    const response = new proto.RegisterResourceResponse();
    try {
      const plugin =
        this.#packages.of(type) ?? refuse(`component ${type}, which no package of Pulumi.yaml has`);
      const { urn, state } = await plugin.construct(request, this.#deploying);
      response.setUrn(urn);
      response.setObject(state);
      response.setResult(proto.Result.SUCCESS);
    } catch (error) {
      this.#registrar.refuse({ type, name }, error);
      response.setUrn(this.#urnOf(request.getParent(), type, name));
      response.setResult(proto.Result.FAIL);
    }
    return response;
  }

  async #register(request: Request, urn: string): Promise<Registered> {
    const [type, name] = [request.getType(), request.getName()];
    try {
      const goal = this.#goalOf(request, urn);
      this.#inherited.set(urn, goal);
      const aliases = request.getAliasesList().map((alias) => {
        const spec = alias.getSpec();
        const parent = spec?.getNoparent() ? "" : spec?.getParenturn() || goal.parent;
        return alias.getUrn() || this.#urnOf(parent, spec?.getType() || type, spec?.getName() || name);
      });
      return await this.#registrar.register(goal, aliases);
    } catch (error) {
      return this.#registrar.refuse({ type, name }, error);
    }
  }

  override registerResourceOutputs(
    request: InstanceType<typeof proto.RegisterResourceOutputsRequest>,
    callback: Callback<object>,
  ): void {
    this.#registrar.registerOutputs(request.getUrn(), request.getOutputs()?.toJavaScript() ?? {});
    callback(null, {});
  }

  override registerStackTransform(): void {
    refuse("stack transforms");
  }

  override registerStackInvokeTransform(): void {
    refuse("invoke transforms");
  }

  registerResourceHook(
    request: InstanceType<typeof proto.RegisterResourceHookRequest>,
    callback: Callback<object>,
  ): void {
    const { target = "", token = "" } = request.getCallback()?.toObject() ?? {};
    this.#registrar.hooks.add(request.getName(), { target, token });
    callback(null, {});
  }

  #urnOf(parent: string, type: string, name: string): string {
    const parentType = parent.split("::")[2] ?? "";
    const under = ["", "pulumi:pulumi:Stack"].includes(parentType) ? "" : `${parentType}$`;
    return `${this.#prefix}${under}${type}::${name}`;
  }

  #goalOf(request: Request, urn: string): Goal {
    const [type, name, parent] = [request.getType(), request.getName(), request.getParent()];
    const unknown = Object.keys(unknownOptions).filter((option) => unknownOptions[option]?.(request));
    if (unknown.length > 0) refuse(`option ${unknown.join(", ")} of ${type} ${name}`);
    const above = this.#inherited.get(parent);
    const timeouts = request.getCustomtimeouts();
    const dependencies = request.getPropertydependenciesMap().entries() as Iterable<
      [string, { getUrnsList(): string[] }]
    >;
    return {
      ...{ urn, type, name, parent, custom: request.getCustom() },
      // A reference is <urn>::<id>.
      provider: request.getProvider().split("::").slice(0, -1).join("::"),
      inputs: request.getObject()?.toJavaScript() ?? {},
      dependencies: request.getDependenciesList(),
      propertyDependencies: Object.fromEntries(
        [...dependencies].map(([property, urns]) => [property, urns.getUrnsList()]),
      ),
      deleteBeforeReplace: request.getDeletebeforereplacedefined()
        ? request.getDeletebeforereplace()
        : undefined,
      replaceOnChanges: request.getReplaceonchangesList(),
      ignoreChanges: request.getIgnorechangesList(),
      beforeCreate: request.getHooks()?.getBeforeCreateList() ?? [],
      beforeUpdate: request.getHooks()?.getBeforeUpdateList() ?? [],
      additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
      importId: request.getImportid(),
      protect: request.getProtect() ?? above?.protect ?? false,
      retainOnDelete: request.getRetainondelete() ?? above?.retainOnDelete ?? false,
      timeouts: {
        create: seconds(timeouts?.getCreate()),
        update: seconds(timeouts?.getUpdate()),
        delete: seconds(timeouts?.getDelete()),
      },
    };
  }
}

/** Seconds of a Go duration such as `1h30m`; the default when it is empty. */
function seconds(duration = ""): number {
  if (duration === "") return defaultTimeout;
  const units: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600 };
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.map(([part]) => part).join("") !== duration) {
    throw new Error(`customTimeouts: expected a duration such as 1h30m, got "${duration}"`);
  }
  return parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (units[unit] ?? 0), 0);
}
