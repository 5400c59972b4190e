/** An API server as a kubeconfig names it; objects are plain JSON. */
import { homedir } from "node:os";

import { ApiException, KubeConfig, KubernetesObjectApi, PatchStrategy } from "@kubernetes/client-node";

import type { Props } from "./values.ts";

/** Owner of the fields that the provider sets. */
export const fieldManager = "pulumi-kubernetes";

/** An error of the API server, in its own words. */
export class ApiError extends Error {
  /** HTTP status. */
  readonly code: number;
  /** Such as `AlreadyExists` or `Conflict`, which have one HTTP status. */
  readonly reason: string;

  constructor({ code, body }: ApiException<unknown>) {
    const status = parse(body);
    super(describe(status));
    this.code = code;
    this.reason = status.reason ?? "";
  }
}

/** There is no API server to ask. */
export class Unreachable extends Error {
  constructor(what: string, { message, cause }: Error) {
    const why = cause instanceof Error ? `${message}: ${cause.message}` : message;
    super(`configured Kubernetes cluster is unreachable: ${what}: ${why}`);
  }
}

/** Every method throws ApiError, or an error that says that there is no API server. */
export class Api {
  /** Why there is none, where the options name no API server. */
  readonly #client: KubernetesObjectApi | Unreachable;

  /**
   * @param options - The provider's inputs. What they name is read now, as the provider does when it is configured: a file
   * that is replaced later does not send it to another cluster. A bad one is no error before something is asked.
   */
  constructor(options: Props) {
    this.#client = connect(options);
  }

  /** @param dryRun - `All` to see what would come of it. */
  create(object: Props, dryRun?: "All"): Promise<Props> {
    return this.#send((client) => client.create(object, undefined, dryRun, fieldManager));
  }

  /** Server-side apply. */
  apply(object: Props, force: boolean): Promise<Props> {
    const { ServerSideApply } = PatchStrategy;
    return this.#send((client) =>
      client.patch(object, undefined, undefined, fieldManager, force, ServerSideApply),
    );
  }

  /** Merges what is given into the object; its header must be in it. */
  merge(patch: Props): Promise<Props> {
    const { MergePatch } = PatchStrategy;
    return this.#send((client) =>
      client.patch(patch, undefined, undefined, undefined, undefined, MergePatch),
    );
  }

  /** Undefined when there is no such object. */
  async read(header: Props): Promise<Props | undefined> {
    try {
      return await this.#send((client) => client.read(header as Parameters<typeof client.read>[0]));
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw error;
    }
  }

  /** @param policy - `foreground`, `background` or `orphan`. */
  delete(header: Props, policy: string): Promise<Props> {
    const propagation = policy.replace(/^./, (letter) => letter.toUpperCase());
    return this.#send((client) =>
      client.delete(header, undefined, undefined, undefined, undefined, propagation),
    );
  }

  /** Objects of a core kind in a namespace. */
  async list(kind: string, namespace: string, labels: string): Promise<unknown[]> {
    const list = await this.#send((client) =>
      client.list("v1", kind, namespace, undefined, undefined, undefined, undefined, labels),
    );
    return list["items"] as unknown[];
  }

  async #send(request: (client: KubernetesObjectApi) => Promise<object>): Promise<Props> {
    if (this.#client instanceof Unreachable) throw this.#client;
    try {
      return JSON.parse(JSON.stringify(await request(this.#client))) as Props;
    } catch (error) {
      if (error instanceof ApiException) throw new ApiError(error);
      throw new Unreachable("unable to load schema information from the API server", error as Error);
    }
  }
}

function connect({ kubeconfig, context }: Props): KubernetesObjectApi | Unreachable {
  const config = new KubeConfig();
  try {
    if (typeof kubeconfig !== "string") config.loadFromDefault();
    else if (/[\n{]/.test(kubeconfig)) config.loadFromString(kubeconfig);
    else config.loadFromFile(kubeconfig.replace(/^~(?=\/)/, homedir()));
    if (typeof context === "string") config.setCurrentContext(context);
    const name = config.getCurrentContext();
    if (!config.getContextObject(name)) throw new Error(`context "${name}" does not exist`);
    return KubernetesObjectApi.makeApiClient(config);
  } catch (error) {
    return new Unreachable("unable to load Kubernetes client configuration", error as Error);
  }
}

/** What names an object, taken from the object and Pulumi's id of it. */
export function headerOf({ apiVersion, kind }: Props, id: string): Props {
  const [name, namespace] = id.split("/").reverse();
  return { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } };
}

/** What the API server says with an error. */
interface Status {
  reason?: string;
  message?: string;
  details?: { causes?: { reason?: string; message?: string; field?: string }[] };
}

function parse(body: unknown): Status {
  return (typeof body === "string" && body.startsWith("{") ? JSON.parse(body) : body) as Status;
}

/** The message of a `Status`, with every conflict of a server-side apply. */
function describe(status: Status): string {
  const causes = status.details?.causes ?? [];
  const conflicts = causes.filter(({ reason }) => reason === "FieldManagerConflict");
  if (conflicts.length === 0) return status.message ?? JSON.stringify(status);
  return (
    "server-side apply field conflict detected. The resource managed by field manager " +
    `"${fieldManager}" had an apply conflict:\n` +
    conflicts.map(({ message = "", field = "" }) => `  ${message}: ${field}\n`).join("") +
    'Set annotation pulumi.com/patchForce: "true" on the object to take these fields over.'
  );
}
