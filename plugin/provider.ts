/** What Pulumi's engine asks of the plugin: the component, and the commands that the component is made of. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import type {
  CheckResult,
  ConstructResult,
  CreateResult,
  DiffResult,
  Provider,
  UpdateResult,
} from "@pulumi/pulumi/provider/index.js";
import { endRecordings } from "../components/resources/recording.ts";
import { construct } from "./construct.ts";
import { changed, Running } from "./running.ts";
import { committedSchema, component } from "./schemaFile.ts";

const root = join(import.meta.dirname, "..");

/** Serves `kube-proxy:index:KubeProxy` and `kube-proxy:index:Command`. */
export class KubeProxyProvider implements Provider {
  /** That of the repository, the one place. */
  readonly version = (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string })
    .version;
  readonly #running = new Running();

  getSchema(): Promise<string> {
    return Promise.resolve(JSON.stringify({ ...committedSchema(), version: this.version }));
  }

  async construct(
    name: string,
    type: string,
    inputs: pulumi.Inputs,
    options: pulumi.ComponentResourceOptions,
  ): Promise<ConstructResult> {
    if (type !== component) throw new Error(`${type}: this plugin makes ${component}`);
    const { urn, daemonSets, restart } = await construct(name, inputs, options);
    return { urn, state: { daemonSets, restart } };
  }

  check(_urn: pulumi.URN, _olds: unknown, news: unknown): Promise<CheckResult> {
    return Promise.resolve({ inputs: news });
  }

  /** Only what may run something, now or when it is deleted, is a change: not what another version says otherwise. */
  diff(_id: pulumi.ID, _urn: pulumi.URN, olds: object, news: object): Promise<DiffResult> {
    // Undefined has the engine compare: it knows which paths replace.
    return Promise.resolve(changed(olds, news) ? {} : { changes: false });
  }

  create(_urn: pulumi.URN, inputs: object): Promise<CreateResult> {
    return this.#running.create(inputs);
  }

  update(_id: pulumi.ID, _urn: pulumi.URN, olds: object, news: object): Promise<UpdateResult> {
    return this.#running.update(olds, news);
  }

  async delete(_id: pulumi.ID, _urn: pulumi.URN, props: object): Promise<void> {
    await this.#running.delete(props);
  }

  /** Ends what runs: somebody has pressed Ctrl-C, or a resource has failed, or all is done. The engine kills the plugin next. */
  async cancel(): Promise<void> {
    this.#running.end();
    await endRecordings();
  }
}
