import { Agent } from "node:http";
import { Duplex, PassThrough } from "node:stream";
import { aborted } from "../concurrency.ts";
import { PortForward, type KubeConfig } from "../kubernetes.ts";

const namespace = "kube-system";

/** What the client answers with, of `ws`, whose types it does not bring; without retries it is always there. */
interface Socket {
  addEventListener(event: "close", listener: () => void): void;
  /** Ends the connection at once, whether or not the other side says goodbye. */
  terminate(): void;
}

/**
 * Opens a connection to a port of a pod, on the loopback interface that the pod sees: `kubectl port-forward` without a
 * port on this machine.
 *
 * @param signal - ends the attempt, and the connection with it
 * @throws Error when the API server or the kubelet refuses; a refusal by the pod itself ends the connection later
 */
export async function openTunnel(
  config: KubeConfig,
  pod: string,
  port: number,
  signal: AbortSignal,
): Promise<Duplex> {
  signal.throwIfAborted();
  const [sent, received, complaint] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const tunnel = Duplex.from({ writable: sent, readable: received });
  // The kubelet tells in a channel of its own why it cannot connect, and closes nothing.
  complaint.on("data", (chunk: Buffer) => {
    if (chunk.length > 0) tunnel.destroy(new Error(chunk.toString().trim()));
  });
  tunnel.on("error", () => undefined); // Whoever uses the connection is told as well.

  const forwarding = new PortForward(config).portForward(namespace, pod, [port], received, complaint, sent);
  const opened = (forwarding as Promise<Socket>).then((socket) => {
    socket.addEventListener("close", () => received.end());
    tunnel.once("close", () => {
      socket.terminate();
    });
    if (tunnel.destroyed) socket.terminate();
  });
  signal.addEventListener("abort", () => tunnel.destroy(signal.reason as Error), { once: true });
  await Promise.race([opened.catch(explain), aborted(signal)]);
  return tunnel;
}

/** Of a refusal the WebSocket client knows no more than the status; the API server asks for two rights. */
function explain(refusal: unknown): never {
  const { message } = refusal as { message?: unknown };
  throw /\b403$/.test(String(message))
    ? new Error(`the user cannot get or create resource "pods/portforward" in namespace "${namespace}"`)
    : refusal;
}

/** An agent whose requests all go, one after the other, over one connection that is there already. */
export class TunnelAgent extends Agent {
  readonly #tunnel: Duplex;

  constructor(tunnel: Duplex) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#tunnel = tunnel;
  }

  override createConnection(): Duplex {
    return this.#tunnel;
  }

  // What these would set is a property of TCP sockets.
  override keepSocketAlive(): true {
    return true;
  }
  override reuseSocket(): void {
    return;
  }
}
