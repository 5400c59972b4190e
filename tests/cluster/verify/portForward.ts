import { createHash } from "node:crypto";
import { createServer, type RequestListener, type Server } from "node:http";
import { Duplex } from "node:stream";

/** What a WebSocket server appends to the client's key: RFC 6455, 1.3. */
const magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Channels of a forwarded port. */
const [data, complaints] = [0, 1];

/** Has a server that stands in for an API server forward connections to pods, where HTTP is spoken. */
export function forwardPorts(server: Server, podAt: (name: string) => RequestListener): void {
  server.on("upgrade", ({ url = "", headers }, socket) => {
    const accept = createHash("sha1")
      .update(`${headers["sec-websocket-key"] ?? ""}${magic}`)
      .digest("base64");
    socket.write(
      [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        `Sec-WebSocket-Accept: ${accept}`,
        "Sec-WebSocket-Protocol: v4.channel.k8s.io",
        "\r\n",
      ].join("\r\n"),
    );
    const send = (channel: number, chunk: Buffer) =>
      socket.write(frame(Buffer.concat([Buffer.of(channel), chunk])));
    // Each channel begins with the port's number, at which nobody looks.
    for (const channel of [data, complaints]) send(channel, Buffer.of(0, 0));
    const connection = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _, done) => {
        send(data, chunk);
        done();
      },
    });
    let received = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      for (let next = unframe(received); next !== undefined; next = unframe(received)) {
        received = received.subarray(next.length);
        if (next.isData) connection.push(next.payload.subarray(1));
      }
    });
    socket.on("error", () => undefined);
    socket.on("close", () => connection.destroy());
    const pod = /\/pods\/([^/]+)\/portforward/.exec(url)?.[1] ?? "";
    createServer(podAt(pod)).emit("connection", connection);
  });
}

/** A WebSocket message as a server sends it: in one binary frame, with a length of 64 bits. */
function frame(payload: Buffer): Buffer {
  const head = Buffer.alloc(10);
  head.set([0x82, 127]);
  head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, payload]);
}

/** The first frame of what a client has sent; undefined until it is whole. Requests are shorter than 64 KiB. */
function unframe(received: Buffer): { length: number; isData: boolean; payload: Buffer } | undefined {
  const short = (received[1] ?? 0) & 0x7f;
  const head = short < 126 ? 2 : 4;
  if (received.length < head + 4) return undefined;
  const start = head + 4;
  const length = start + (short < 126 ? short : received.readUInt16BE(2));
  if (received.length < length) return undefined;
  const mask = received.subarray(head, start);
  const payload = received.subarray(start, length).map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return { length, isData: ((received[0] ?? 0) & 0x0f) === 2, payload: Buffer.from(payload) };
}
