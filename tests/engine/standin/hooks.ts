/**
 * Resource hooks: functions of the program that the engine calls back over gRPC.
 *
 * Source: pulumi `pkg/resource/deploy/step.go` (CreateStep, UpdateStep), `deployment.go` (RunHooks).
 */
import { credentials } from "@grpc/grpc-js";
import { CallbacksClient } from "@pulumi/pulumi/proto/callback_grpc_pb.js";
import callbacks from "@pulumi/pulumi/proto/callback_pb.js";
import proto from "@pulumi/pulumi/proto/resource_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";

import type { Goal } from "./plan.ts";

/** Where a function of the program is. */
interface Callback {
  target: string;
  token: string;
}

export class Hooks {
  readonly #callbacks = new Map<string, Callback>();

  add(name: string, callback: Callback): void {
    this.#callbacks.set(name, callback);
  }

  /** @throws Error with the program's own words when a hook fails. */
  async runBefore(op: "create" | "update", goal: Goal): Promise<void> {
    for (const name of op === "create" ? goal.beforeCreate : goal.beforeUpdate) {
      const error = await this.#call(name, goal);
      if (error !== "") throw new Error(`before hook "${name}" failed: ${error}`);
    }
  }

  async #call(hook: string, { urn, name, type, inputs }: Goal): Promise<string> {
    const callback = this.#callbacks.get(hook);
    if (!callback) throw new Error(`hook "${hook}" was not registered`);
    const hookRequest = new proto.ResourceHookRequest();
    hookRequest.setUrn(urn);
    hookRequest.setName(name);
    hookRequest.setType(type);
    hookRequest.setNewInputs(struct.Struct.fromJavaScript(inputs as Record<string, struct.JavaScriptValue>));
    const request = new callbacks.CallbackInvokeRequest();
    request.setToken(callback.token);
    request.setRequest(hookRequest.serializeBinary());
    const client = new CallbacksClient(callback.target, credentials.createInsecure());
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    client.invoke(request, (error, response) => {
      if (error) reject(error);
      else resolve(response.getResponse_asU8());
    });
    try {
      return proto.ResourceHookResponse.deserializeBinary(await promise).getError();
    } finally {
      client.close();
    }
  }
}
