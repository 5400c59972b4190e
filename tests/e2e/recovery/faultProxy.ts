/** A proxy in front of a lab's API server that lets chosen calls go wrong. */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, createServer, request as send } from "node:https";
import type { Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline, type Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { KubeConfig } from "@kubernetes/client-node";
import type { Lab } from "../../../lab/index.ts";

/** What can happen to a call. */
export const faults = {
  refuse: "the connection is closed before anything is sent on",
  internalError: "500 by the proxy; nothing is sent on",
  tooManyRequests: "429 with Retry-After by the proxy; nothing is sent on",
  conflict: "409 by the proxy; nothing is sent on",
  slow: "the API server's answer comes two seconds late",
  reset: "the connection is closed in the middle of the API server's answer",
  cut: "the API server has done it, and its answer is thrown away",
} as const;

/** The name of one of the {@link faults}. */
export type Fault = keyof typeof faults;

/** The answers that the proxy gives itself, in the words of the API server. */
const refusals: Partial<Record<Fault, { code: number; reason: string }>> = {
  internalError: { code: 500, reason: "InternalError" },
  tooManyRequests: { code: 429, reason: "TooManyRequests" },
  conflict: { code: 409, reason: "Conflict" },
};
const lateMs = 2000;

/** A request to the API server. */
export interface Call {
  /** Such as `DELETE /apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy`; `*` for what makes a name or port its own. */
  readonly name: string;
  /** Whether it changes something. */
  readonly writes: boolean;
}

/** Whether a call is said of no pod alone: of that there may be another one, or none, in the next run. */
export function isOnce(call: Call["name"]): boolean {
  return !call.includes("*");
}

/** What is told of every {@link Call}. */
export type OnCall = (call: Call) => void | Promise<void>;

/** A fault that waits for its call. */
export interface Injection {
  readonly fault: Fault;
  /** See {@link Call.name}. */
  readonly call: string;
  /** Whether the call has come. */
  met: boolean;
}

/**
 * Passes requests on to a lab's API server. It shows the API server's own certificate and asks for a client's of the
 * lab's authority, so that a kubeconfig for it is the administrator's with another address. Watches and upgrades, such as
 * port-forwards, pass through; of an upgrade every fault is a refusal.
 */
export class FaultProxy {
  /** Path of the administrator's kubeconfig for this proxy. */
  readonly kubeconfig: string;
  readonly #server: Server;
  readonly #upstream: Upstream;
  readonly #folder: string;
  readonly #injections: Injection[] = [];
  readonly #calls: Call[] = [];
  #onCall: OnCall = () => undefined;

  private constructor(server: Server, upstream: Upstream, lab: Lab) {
    this.#server = server;
    this.#upstream = upstream;
    this.#folder = mkdtempSync(join(tmpdir(), "kube-proxy-fault-proxy-"));
    this.kubeconfig = join(this.#folder, "admin.conf");
    const { port } = server.address() as AddressInfo;
    const own = readFileSync(lab.kubeconfig, "utf8").replace(lab.server, `https://127.0.0.1:${port}`);
    writeFileSync(this.kubeconfig, own, { mode: 0o600 });
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      void this.#pass(request, response);
    });
    server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
      void this.#passUpgrade(request, socket);
    });
  }

  /** Starts a proxy on a free port of the loopback interface. */
  static async start(lab: Lab): Promise<FaultProxy> {
    const pki = (file: string): Buffer => readFileSync(join(lab.dir, "pki", file));
    const server = createServer({
      key: pki("apiserver.key"),
      cert: pki("apiserver.crt"),
      ca: pki("ca.crt"),
      requestCert: true,
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    return new FaultProxy(server, upstreamOf(lab), lab);
  }

  /** Closes every connection, and removes the kubeconfig. */
  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#upstream.agent.destroy();
    await once(this.#server, "close");
    rmSync(this.#folder, { recursive: true });
  }

  /** Lets the next call of this name go wrong. */
  inject(fault: Fault, call: string): Injection {
    const injection = { fault, call, met: false };
    this.#injections.push(injection);
    return injection;
  }

  /** The calls since this was last asked. */
  takeCalls(): readonly Call[] {
    return this.#calls.splice(0);
  }

  /** Calls back with every call, before anything else happens to it, which waits for the callback. */
  onCall(callback: OnCall): void {
    this.#onCall = callback;
  }

  async #faultFor(request: IncomingMessage): Promise<Fault | undefined> {
    const call = callOf(request);
    this.#calls.push(call);
    await this.#onCall(call);
    const injection = this.#injections.find(({ call: name }) => name === call.name);
    if (injection === undefined) return undefined;
    injection.met = true;
    this.#injections.splice(this.#injections.indexOf(injection), 1);
    return injection.fault;
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = await this.#faultFor(request);
    const hangUp = (): void => {
      request.socket.destroy();
    };
    // Whoever asked may be gone by now, here and wherever something was waited for.
    if (fault === "refuse" || request.destroyed) {
      hangUp();
      return;
    }
    const refusal = fault && refusals[fault];
    if (refusal !== undefined) {
      request.resume();
      refuse(response, refusal);
      return;
    }
    const upstream = this.#send(request, hangUp);
    upstream.once("response", (answer) => {
      if (fault === "cut") {
        answer.resume().once("end", hangUp);
        return;
      }
      void sleep(fault === "slow" ? lateMs : 0).then(() => {
        if (response.destroyed) return;
        response.writeHead(answer.statusCode ?? 500, answer.rawHeaders);
        if (fault !== "reset") {
          pipeline(answer, response, () => undefined);
          return;
        }
        answer.once("data", (chunk: Buffer) => response.write(chunk.subarray(0, chunk.length / 2), hangUp));
      });
    });
    // Who asked does not wait for the answer, or does not want the rest of a watch.
    response.once("close", () => upstream.destroy());
    pipeline(request, upstream, () => undefined);
  }

  async #passUpgrade(request: IncomingMessage, socket: Duplex): Promise<void> {
    const hangUp = (): void => {
      socket.destroy();
    };
    socket.on("error", hangUp);
    if ((await this.#faultFor(request)) !== undefined || socket.destroyed) {
      hangUp();
      return;
    }
    const upstream = this.#send(request, hangUp);
    upstream.once("upgrade", (answer: IncomingMessage, other: Duplex, head: Buffer) => {
      socket.write(headOf(answer));
      other.unshift(head);
      other.once("error", hangUp).once("close", hangUp);
      socket.once("close", () => other.destroy());
      socket.pipe(other).pipe(socket);
    });
    upstream.once("response", (answer) => {
      if (socket.destroyed) return;
      socket.write(headOf(answer));
      pipeline(answer, socket, () => undefined);
    });
    socket.once("close", () => upstream.destroy());
    upstream.end();
  }

  #send({ method, url, rawHeaders }: IncomingMessage, onError: () => void): ReturnType<typeof send> {
    const upstream = send({ ...this.#upstream, method, path: url, headers: rawHeaders });
    upstream.once("error", onError);
    return upstream;
  }
}

interface Upstream {
  readonly host: string;
  readonly port: string;
  readonly agent: Agent;
}

/** The API server, with the administrator's certificate. */
function upstreamOf({ kubeconfig, server }: Lab): Upstream {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const decode = (data = ""): Buffer => Buffer.from(data, "base64");
  const user = config.getCurrentUser();
  const agent = new Agent({
    ca: decode(config.getCurrentCluster()?.caData),
    cert: decode(user?.certData),
    key: decode(user?.keyData),
  });
  const { hostname, port } = new URL(server);
  return { host: hostname, port, agent };
}

function callOf({ method = "", url = "" }: IncomingMessage): Call {
  const path = decodeURIComponent(new URL(url, "https://127.0.0.1").pathname);
  const own = path
    .replace(/\/pods\/kube-proxy-\w+/, "/pods/kube-proxy-*")
    .replace(/:\d+\/proxy/, ":*/proxy")
    .replace(/\/kube-proxy-test-\w+/, "/kube-proxy-test-*");
  const name = `${method} ${own}`;
  // Whoever asks what it may do posts the question.
  const asks = path.startsWith("/apis/authorization.k8s.io/");
  return { name, writes: method !== "GET" && !asks };
}

/** Answers as the API server does when it says no. */
function refuse(response: ServerResponse, { code, reason }: { code: number; reason: string }): void {
  const status = { kind: "Status", apiVersion: "v1", status: "Failure", code, reason };
  response.writeHead(code, {
    "Content-Type": "application/json",
    ...(code === 429 && { "Retry-After": "1" }),
  });
  response.end(JSON.stringify({ ...status, message: `${reason} by the fault-injecting proxy` }));
}

function headOf({ statusCode = 0, statusMessage = "", rawHeaders }: IncomingMessage): string {
  const lines = Array.from(
    { length: rawHeaders.length / 2 },
    (_, i) => `${rawHeaders[2 * i] ?? ""}: ${rawHeaders[2 * i + 1] ?? ""}\r\n`,
  );
  return `HTTP/1.1 ${statusCode} ${statusMessage}\r\n${lines.join("")}\r\n`;
}
