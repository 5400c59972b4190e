/**
 * Packages that Pulumi.yaml names by a folder: plugins, each a process that the engine talks to.
 *
 * Source: pulumi `sdk/nodejs/cmd/pulumi-language-nodejs/main.go` (`RunPlugin`), `sdk/go/common/resource/plugin/provider_plugin.go`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { credentials, type ServiceError } from "@grpc/grpc-js";
import rpcErrors from "@pulumi/pulumi/proto/errors_pb.js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import proto from "@pulumi/pulumi/proto/provider_pb.js";
import resource from "@pulumi/pulumi/proto/resource_pb.js";
import status from "@pulumi/pulumi/proto/status_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";

import type { Goal, Resource } from "./plan.ts";
import type { Made, Provider } from "./provider.ts";
import { has, plain, type Props, secret } from "./values.ts";

type Request = InstanceType<typeof resource.RegisterResourceRequest>;

/** What a component's plugin has made of it. */
export interface Constructed {
  urn: string;
  state: InstanceType<typeof struct.Struct>;
}

/** Which update it is, for the plugins. */
export interface Deploying {
  project: string;
  stack: string;
  preview: boolean;
}

/** The plugins of a project, each started when it is first needed. */
export class Packages {
  readonly #folders: Readonly<Record<string, string>>;
  readonly #engine: string;
  readonly #plugins = new Map<string, Plugin>();

  /**
   * @param folders - of the plugins, by the packages' names
   * @param engine - where they reach the engine
   */
  constructor(folders: Readonly<Record<string, string>>, engine: string) {
    this.#folders = folders;
    this.#engine = engine;
  }

  /** The plugin that makes a type; undefined where no package of the project does. */
  of(type: string): Plugin | undefined {
    const [name = ""] = type.split(":");
    const folder = this.#folders[name];
    if (folder === undefined) return undefined;
    const plugin = this.#plugins.get(name) ?? new Plugin(folder, this.#engine);
    this.#plugins.set(name, plugin);
    return plugin;
  }

  /** Tells the plugins that it is over, and ends them. */
  async end(): Promise<void> {
    await Promise.all([...this.#plugins.values()].map((plugin) => plugin.end()));
  }
}

/** A plugin's process. */
export class Plugin implements Provider {
  readonly #child: ChildProcess;
  readonly #client: Promise<ResourceProviderClient>;
  readonly #engine: string;

  /** @param engine - where the plugin reaches the engine */
  constructor(folder: string, engine: string) {
    this.#engine = engine;
    const run = createRequire(join(folder, "package.json")).resolve("@pulumi/pulumi/cmd/run-plugin");
    const child = spawn(process.execPath, [run, folder, engine], { stdio: ["ignore", "pipe", "inherit"] });
    this.#child = child;
    const lines = createInterface(child.stdout);
    const port = new Promise<string>((resolve, reject) => {
      lines.once("line", (first) => {
        lines.on("line", console.log);
        resolve(first);
      });
      child.once("error", reject);
      child.once("exit", (code) => {
        reject(new Error(`the plugin in ${folder} has ended with ${String(code)} before it said its port`));
      });
    });
    this.#client = port.then((at) => this.#connect(at));
    this.#client.catch(() => undefined);
  }

  async #connect(port: string): Promise<ResourceProviderClient> {
    const client = new ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure());
    const request = new proto.ConfigureRequest();
    request.setAcceptsecrets(true);
    request.setAcceptresources(true);
    await call(client, "configure", request);
    return client;
  }

  async cancel(): Promise<void> {
    await this.#call("cancel", new empty.Empty());
  }

  async end(): Promise<void> {
    await this.cancel().catch(() => undefined);
    (await this.#client.catch(() => undefined))?.close();
    this.#child.kill("SIGKILL");
  }

  async getSchema(): Promise<string> {
    const answer = await this.#call<InstanceType<typeof proto.GetSchemaResponse>>(
      "getSchema",
      new proto.GetSchemaRequest(),
    );
    return answer.getSchema();
  }

  /** @throws Error with every property that the plugin complains of */
  async construct(request: Request, { project, stack, preview }: Deploying): Promise<Constructed> {
    const construct = new proto.ConstructRequest();
    construct.setProject(project);
    construct.setStack(stack);
    construct.setOrganization("organization");
    construct.setDryrun(preview);
    construct.setParallel(1);
    construct.setMonitorendpoint(this.#engine);
    construct.setType(request.getType());
    construct.setName(request.getName());
    construct.setParent(request.getParent());
    construct.setInputs(request.getObject());
    construct.setProtect(request.getProtect() ?? false);
    construct.setAliasesList(request.getAliasesList());
    construct.setDependenciesList(request.getDependenciesList());
    for (const [name, reference] of request.getProvidersMap().entries() as Iterable<[string, string]>) {
      construct.getProvidersMap().set(name, reference);
    }
    const dependencies = request.getPropertydependenciesMap().entries() as Iterable<
      [string, { getUrnsList(): string[] }]
    >;
    for (const [key, urns] of dependencies) {
      const one = new proto.ConstructRequest.PropertyDependencies();
      one.setUrnsList(urns.getUrnsList());
      construct.getInputdependenciesMap().set(key, one);
    }
    const made = await this.#call<InstanceType<typeof proto.ConstructResponse>>("construct", construct).catch(
      (error: unknown) => {
        throw new Error(
          `${request.getType()} resource '${request.getName()}' has a problem: ${(error as Error).message}`,
        );
      },
    );
    return { urn: made.getUrn(), state: made.getState() ?? new struct.Struct() };
  }

  /** The SDK says which paths replace. */
  forceNew(): [] {
    return [];
  }

  async isSame({ id, urn, outputs }: Resource, inputs: Props): Promise<boolean> {
    const request = new proto.DiffRequest();
    request.setId(id);
    request.setUrn(urn);
    request.setOlds(structOf(outputs));
    request.setNews(structOf(inputs));
    const answer = await this.#call<InstanceType<typeof proto.DiffResponse>>("diff", request);
    return answer.getChanges() === proto.DiffResponse.DiffChanges.DIFF_NONE;
  }

  /** A plugin of the Node.js SDK is not asked in a preview. */
  preview({ inputs }: Goal): Props {
    return plain(inputs);
  }

  async create({ urn, inputs }: Goal): Promise<Made> {
    const request = new proto.CreateRequest();
    request.setUrn(urn);
    request.setProperties(structOf(inputs));
    const made = await this.#call<InstanceType<typeof proto.CreateResponse>>("create", request);
    return { id: made.getId(), outputs: propsOf(made.getProperties()) };
  }

  async update({ urn, inputs }: Goal, old: Resource): Promise<Made> {
    const request = new proto.UpdateRequest();
    request.setId(old.id);
    request.setUrn(urn);
    request.setOlds(structOf(old.outputs));
    request.setNews(structOf(inputs));
    const made = await this.#call<InstanceType<typeof proto.UpdateResponse>>("update", request);
    return { id: old.id, outputs: propsOf(made.getProperties()) };
  }

  async delete({ id, urn, outputs }: Resource): Promise<void> {
    const request = new proto.DeleteRequest();
    request.setId(id);
    request.setUrn(urn);
    request.setProperties(structOf(outputs));
    await this.#call("delete", request);
  }

  async #call<T>(method: string, request: object): Promise<T> {
    return await call(await this.#client, method, request);
  }
}

function call<T>(to: ResourceProviderClient, method: string, request: object): Promise<T> {
  const client = to as unknown as Record<
    string,
    (request: object, callback: (error: ServiceError | null, answer: T) => void) => void
  >;
  return new Promise((resolve, reject) => {
    client[method]?.(request, (error, answer) => {
      if (error === null) resolve(answer);
      else reject(new Error(wordsOf(error)));
    });
  });
}

/** The plugin's words, and those about each property: a structured error has them in the call's trailer. */
function wordsOf({ details, metadata }: ServiceError): string {
  const [bytes] = metadata.get("grpc-status-details-bin");
  if (!Buffer.isBuffer(bytes)) return details;
  const anys = status.Status.deserializeBinary(bytes).getDetailsList();
  const lines = anys
    .filter((any) => any.getTypeName() === "pulumirpc.InputPropertiesError")
    .flatMap((any) =>
      rpcErrors.InputPropertiesError.deserializeBinary(any.getValue_asU8())
        .getErrorsList()
        .map((one) => `\t\t- property ${one.getPropertyPath()} has a problem: ${one.getReason()}`),
    );
  return [details, ...lines].join("\n");
}

function structOf(props: Props): InstanceType<typeof struct.Struct> {
  return struct.Struct.fromJavaScript(props as Record<string, struct.JavaScriptValue>);
}

/** A property with a secret anywhere in it is one. */
function propsOf(properties: InstanceType<typeof struct.Struct> | undefined): Props {
  const all = Object.entries(properties?.toJavaScript() ?? {});
  return Object.fromEntries(
    all.map(([key, value]) => [
      key,
      has("secret", value) ? secret(plain({ value: value as unknown })["value"]) : value,
    ]),
  );
}
