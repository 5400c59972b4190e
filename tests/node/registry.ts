/** A registry on a real node's own loopback interface, which containerd asks without TLS. It takes its time. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { type Lab, nodeCommand } from "../../lab/index.ts";
import { runOrFail } from "../../lab/tools.ts";

const port = 5000;

/** What is said of an image. */
interface Served {
  readonly mediaType: string;
  readonly manifest: string;
  readonly delayMs: number;
}

/** An image by its name in the registry. */
export const servedImage = (name: string) => `localhost:${port}/${name}`;

/**
 * Starts a registry on a node, which has one image by every name: one that the node has already by another name, so that
 * nothing but its manifest is asked for.
 *
 * @param delayMs - until each answer; `Infinity` for none
 */
export async function startRegistry(
  lab: Lab,
  node: string,
  { image, delayMs }: { readonly image: string; readonly delayMs: number },
): Promise<ChildProcess> {
  const read = (path: string) => runOrFail(nodeCommand(lab, node, ["tar", "-xOf", "/images", path]));
  const index = JSON.parse(await read("./index.json")) as {
    manifests: { digest: string; mediaType: string; annotations: Record<string, string> }[];
  };
  const found = index.manifests.find(({ annotations }) => annotations["io.containerd.image.name"] === image);
  if (found === undefined) throw new Error(`the node has no image ${image}`);
  const manifest = await read(`./blobs/sha256/${found.digest.replace("sha256:", "")}`);
  const { args } = nodeCommand(lab, node, []);
  const target = args[args.indexOf("--target") + 1] ?? "";
  // The node's network alone: Node.js is not on its file system.
  const child = spawn("nsenter", ["--target", target, "--net", process.execPath, import.meta.filename], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const delay = Number.isFinite(delayMs) ? delayMs : -1;
  child.stdin.end(JSON.stringify({ mediaType: found.mediaType, manifest, delayMs: delay }));
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => {
      resolve();
    });
    child.once("exit", (code) => {
      reject(new Error(`the registry on ${node} ended with ${code}`));
    });
  });
  return child;
}

async function serve(): Promise<void> {
  const { mediaType, manifest, delayMs } = JSON.parse(await text(process.stdin)) as Served;
  const digest = `sha256:${createHash("sha256").update(manifest).digest("hex")}`;
  const headers = {
    "Content-Type": mediaType,
    "Content-Length": Buffer.byteLength(manifest),
    "Docker-Content-Digest": digest,
  };
  const server = createServer((request, response) => {
    if (delayMs < 0) return;
    void sleep(delayMs).then(() => {
      const isManifest = /^\/v2\/.+\/manifests\//.test(request.url ?? "");
      if (!isManifest) return response.writeHead(request.url === "/v2/" ? 200 : 404).end();
      return response.writeHead(200, headers).end(request.method === "HEAD" ? undefined : manifest);
    });
  });
  server.listen(port, "127.0.0.1", () => process.stdout.write("listens\n"));
}

if (process.argv[1] === import.meta.filename) await serve();
