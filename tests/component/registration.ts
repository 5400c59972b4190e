import assert from "node:assert/strict";
import type * as pulumi from "@pulumi/pulumi";
import proto from "@pulumi/pulumi/proto/resource_pb.js";
import { deserializeProperties } from "@pulumi/pulumi/runtime/rpc.js";
import { disconnect } from "@pulumi/pulumi/runtime/settings.js";
import { type Callback, Monitor, useMonitor } from "./monitor.ts";

type Request = InstanceType<typeof proto.RegisterResourceRequest>;

/** What a program asked the engine for: a resource with every option that matters here. */
export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
  readonly parent: string;
  readonly provider: string;
  /** What it takes over; empty when it is made. */
  readonly importId: string;
  readonly deleteBeforeReplace: boolean;
  readonly replaceOnChanges: readonly string[];
  readonly ignoreChanges: readonly string[];
  /** Names of hooks. */
  readonly beforeCreate: readonly string[];
  readonly beforeUpdate: readonly string[];
  readonly dependencies: readonly string[];
  readonly timeouts:
    { readonly create: string; readonly update: string; readonly delete: string } | undefined;
}

/** Records the raw requests; Pulumi's mocks alone do not show a resource's options. */
class RecordingMonitor extends Monitor {
  readonly registrations: Registration[] = [];

  override async registerResource(request: Request, callback: Callback): Promise<void> {
    const timeouts = request.getCustomtimeouts();
    const object = request.getObject();
    this.registrations.push({
      type: request.getType(),
      name: request.getName(),
      inputs: object === undefined ? {} : deserializeProperties(object),
      parent: request.getParent(),
      provider: request.getProvider(),
      importId: request.getImportid(),
      deleteBeforeReplace: request.getDeletebeforereplace(),
      replaceOnChanges: request.getReplaceonchangesList(),
      ignoreChanges: request.getIgnorechangesList(),
      beforeCreate: request.getHooks()?.getBeforeCreateList() ?? [],
      beforeUpdate: request.getHooks()?.getBeforeUpdateList() ?? [],
      dependencies: request.getDependenciesList(),
      timeouts: timeouts && {
        create: timeouts.getCreate(),
        update: timeouts.getUpdate(),
        delete: timeouts.getDelete(),
      },
    });
    await super.registerResource(request, callback);
  }
}

/** Runs a program and gives what it registered, in order. */
export async function registrationsOf(program: () => void): Promise<readonly Registration[]> {
  const monitor = new RecordingMonitor({
    newResource: ({ name, inputs }) => ({
      id: `${name}-id`,
      state: {
        ...(inputs as object),
        metadata: { uid: `${name}-uid`, ...(inputs as { metadata?: object }).metadata },
      },
    }),
    call: () => ({}),
  });
  await useMonitor(monitor, "test");
  program();
  await disconnect();
  return monitor.registrations;
}

/** The value of an output. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}

/** The only resource of a kind. */
export function find(registrations: readonly Registration[], kind: string): Registration {
  const found = registrations.find(({ type }) => type.endsWith(`:${kind}`));
  assert.ok(found, `no ${kind} was registered`);
  return found;
}

/** The resource `kube-proxy-SUFFIX`. */
export function named(registrations: readonly Registration[], suffix: string): Registration {
  const found = registrations.find(({ name }) => name === `kube-proxy-${suffix}`);
  assert.ok(found, `no ${suffix} was registered`);
  return found;
}

/** One of its inputs. */
export function at({ inputs }: Registration, ...path: string[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], inputs);
}
