/** What is used here of the WebSocket library, which brings no types. */
declare module "ws" {
  import type { EventEmitter } from "node:events";
  import type { ClientRequest, IncomingMessage, RequestOptions, Server } from "node:http";

  /** A connection. */
  export default class WebSocket extends EventEmitter {
    constructor(url: string, protocols: readonly string[], options: WebSocketOptions);
    send(data: Uint8Array, done?: (error?: Error) => void): void;
    /** Hands over no more messages until {@link resume}. */
    pause(): void;
    resume(): void;
    /** Ends the connection at once, whether or not the other side says goodbye. */
    terminate(): void;
    on(event: "open" | "close", listener: () => void): this;
    on(event: "error", listener: (error: Error) => void): this;
    on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): this;
    on(
      event: "unexpected-response",
      listener: (request: ClientRequest, response: IncomingMessage) => void,
    ): this;
  }

  /** What is set beside that of Node's own requests. */
  export interface WebSocketOptions extends RequestOptions {
    readonly maxPayload: number;
    readonly perMessageDeflate: boolean;
  }

  /** The other side, for tests. */
  export class WebSocketServer extends EventEmitter {
    constructor(options: { server?: Server; noServer?: boolean });
    handleUpgrade(
      request: IncomingMessage,
      socket: import("node:stream").Duplex,
      head: Buffer,
      done: (socket: WebSocket) => void,
    ): void;
    close(): void;
  }
}
