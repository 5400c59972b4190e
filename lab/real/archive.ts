import { createHash } from "node:crypto";
import {
  createReadStream,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";

import { runOrFail } from "../tools.ts";

/** An image in an archive. */
export interface Image {
  /** The names by which it is known, each with a tag. */
  names: readonly string[];
  /** Folders whose contents lie on top of one another, the lowest first. */
  layers: readonly string[];
  /** The command that a container runs unless it names its own. */
  command: readonly string[];
}

/** What stands for a blob in the objects that refer to it. */
interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

/**
 * Writes images as one OCI image layout in a tar archive, which containerd imports. A folder that is a layer of several
 * images is in it once. The same contents give the same digests: no file has a time, and all belong to root.
 *
 * @param path - The archive; its folder takes a second copy meanwhile.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 */
export async function writeArchive(
  path: string,
  images: readonly Image[],
  signal?: AbortSignal,
): Promise<void> {
  const layout = mkdtempSync(join(dirname(path), "layout-"));
  try {
    mkdirSync(join(layout, "blobs/sha256"), { recursive: true });
    const layers = new Map<string, Descriptor>();
    for (const folder of new Set(images.flatMap((image) => image.layers))) {
      const file = join(layout, "layer");
      await tar(file, folder, signal);
      layers.set(folder, await addBlob(layout, "layer.v1.tar", file));
    }
    const manifests: object[] = [];
    for (const { names, layers: folders, command } of images) {
      const content = folders.map((folder) => layers.get(folder)).filter((layer) => layer !== undefined);
      const config = await addObject(layout, "config.v1+json", {
        architecture: process.arch === "x64" ? "amd64" : process.arch,
        os: "linux",
        config: { Cmd: command },
        rootfs: { type: "layers", diff_ids: content.map(({ digest }) => digest) }, // Not compressed.
      });
      const manifest = {
        schemaVersion: 2,
        mediaType: mediaType("manifest.v1+json"),
        config,
        layers: content,
      };
      const descriptor = await addObject(layout, "manifest.v1+json", manifest);
      for (const name of names) {
        manifests.push({ ...descriptor, annotations: { "io.containerd.image.name": name } });
      }
    }
    writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
    writeFileSync(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    await tar(path, layout, signal);
  } finally {
    rmSync(layout, { recursive: true });
  }
}

function mediaType(kind: string): string {
  return `application/vnd.oci.image.${kind}`;
}

async function tar(path: string, folder: string, signal: AbortSignal | undefined): Promise<void> {
  const reproducible = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
  const args = ["--create", "--file", path, "--directory", folder, ...reproducible, "."];
  await runOrFail({ file: "tar", args, env: process.env }, { signal });
}

async function addObject(layout: string, kind: string, object: object): Promise<Descriptor> {
  const file = join(layout, "object");
  writeFileSync(file, JSON.stringify(object));
  return await addBlob(layout, kind, file);
}

/** Moves a file to where its content's digest says. */
async function addBlob(layout: string, kind: string, file: string): Promise<Descriptor> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  const digest = hash.digest("hex");
  const { size } = statSync(file);
  renameSync(file, join(layout, "blobs/sha256", digest));
  return { mediaType: mediaType(kind), digest: `sha256:${digest}`, size };
}
