import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "../../components/cluster/kubernetes.ts";

/** Does some work with an API server that answers as it is told; it is gone afterwards. */
export async function withApiServer<T>(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  work: (config: KubeConfig, server: Server) => Promise<T>,
): Promise<T> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: "fake", server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: "nobody" },
  );
  try {
    return await work(config, server);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Answers a request with JSON; without any, that there is no such thing. */
export function reply(response: ServerResponse, body: object | undefined, status = 200): void {
  response.writeHead(body === undefined ? 404 : status, { "content-type": "application/json" });
  response.end(JSON.stringify(body ?? { kind: "Status", message: "not found" }));
}
