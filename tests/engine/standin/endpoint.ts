/** Where other processes reach the engine: plugins, and programs in other languages. */
import { promisify } from "node:util";

import { Server, ServerCredentials } from "@grpc/grpc-js";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";
import { ResourceMonitorService } from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import proto from "@pulumi/pulumi/proto/resource_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import jspb from "google-protobuf";

import type { Display } from "./display.ts";
import type { Monitor } from "./monitor.ts";

type Callback = (error: Error | null, response?: unknown) => void;
type Handler = (call: { request: never }, callback: Callback) => void;

/** What of the monitor is served; anything else is answered with "unimplemented". */
const served = [
  "getDeploymentInfo",
  "registerResource",
  "registerResourceHook",
  "registerResourceOutputs",
  "registerStackInvokeTransform",
  "registerStackTransform",
] as const;

const { INFO, WARNING, ERROR } = engine.LogSeverity;
const said: Record<number, string> = { [INFO]: "info", [WARNING]: "warning", [ERROR]: "error" };

export class Endpoint {
  readonly #server: Server;
  readonly address: string;
  #monitor: Monitor | undefined;

  private constructor(server: Server, address: string) {
    this.#server = server;
    this.address = address;
  }

  static async open(display: Display): Promise<Endpoint> {
    const server = new Server();
    let root = "";
    const answer = (callback: Callback): void => {
      const response = new engine.GetRootResourceResponse();
      response.setUrn(root);
      callback(null, response);
    };
    const engineHandlers: Record<string, Handler> = {
      log: ({ request }, callback) => {
        const line = request as InstanceType<typeof engine.LogRequest>;
        const severity = said[line.getSeverity()];
        if (severity !== undefined) display.line(`${severity}: ${line.getMessage()}`);
        callback(null, new empty.Empty());
      },
      getRootResource: (_, callback) => {
        answer(callback);
      },
      setRootResource: ({ request }, callback) => {
        root = (request as InstanceType<typeof engine.SetRootResourceRequest>).getUrn();
        callback(null, new engine.SetRootResourceResponse());
      },
    };
    server.addService(EngineService, engineHandlers as never);
    const bound: Endpoint[] = [];
    const monitorHandlers = served.map((name): [string, Handler] => [
      name,
      ({ request }, callback) => {
        for (const endpoint of bound) endpoint.#forward(name, request, callback);
      },
    ]);
    const supportsFeature: Handler = ({ request }, callback) => {
      const response = new proto.SupportsFeatureResponse();
      // As Pulumi's own mock, which is behind it.
      const id = (request as InstanceType<typeof proto.SupportsFeatureRequest>).getId();
      response.setHassupport(id !== "outputValues");
      callback(null, response);
    };
    const handlers = { ...Object.fromEntries(monitorHandlers), supportsFeature };
    server.addService(ResourceMonitorService, handlers as never);
    const bind = promisify(server.bindAsync.bind(server));
    const port = await bind("127.0.0.1:0", ServerCredentials.createInsecure());
    const endpoint = new Endpoint(server, `127.0.0.1:${String(port)}`);
    bound.push(endpoint);
    return endpoint;
  }

  /** Has registrations go to a monitor from now on. */
  serve(monitor: Monitor): void {
    this.#monitor = monitor;
  }

  close(): void {
    this.#server.forceShutdown();
  }

  #forward(name: (typeof served)[number], request: never, callback: Callback): void {
    const monitor = this.#monitor;
    if (monitor === undefined) {
      callback(new Error("there is no program"));
      return;
    }
    try {
      // The mock answers some with an object that is no message.
      void monitor[name](request, (error: Error | null, response?: unknown) => {
        callback(error, response instanceof jspb.Message ? response : new empty.Empty());
      });
    } catch (error) {
      callback(error as Error);
    }
  }
}
