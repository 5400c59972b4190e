// Runs after the packages are installed: makes one file of the Kubernetes client, whose 1,228 modules take a third of a
// second of CPU to load; see components/cluster/kubernetes.ts. Nothing of this project is in it.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

await build({
  stdin: {
    contents: 'export * from "@kubernetes/client-node";',
    resolveDir: root,
  },
  // With the packages, so that another version's is gone with them.
  outfile: join(root, "node_modules", ".cache", "kubernetes-client.mjs"),
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node22",
  minify: true,
  // Of its dependencies some are CommonJS modules.
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
  logLevel: "error",
});
