// Runs after the packages are installed: makes one small file of what is used of the Kubernetes client, whose 1,228 modules
// take a third of a second of CPU to load; see components/cluster/kubernetes.ts. Nothing of this project is in it.
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const client = "@kubernetes/client-node";

/** The client's package does not say that its modules do nothing but export: the types of all objects would stay in. */
const pure = {
  name: "pure",
  /** @param {import("esbuild").PluginBuild} build */
  setup(build) {
    build.onResolve({ filter: /./ }, async ({ path, pluginData, ...options }) => {
      if (pluginData === pure) return undefined;
      const found = await build.resolve(path, { ...options, pluginData: pure });
      return found.path.includes(join("node_modules", client) + sep)
        ? { path: found.path, sideEffects: false }
        : undefined;
    });
  },
};

await build({
  stdin: {
    contents: `export { HttpMethod, IsomorphicFetchHttpLibrary, KubeConfig, RequestContext } from "${client}";
      export { Agent, buildConnector } from "undici";
      export { SocksClient } from "socks";`,
    resolveDir: root,
  },
  // With the packages, so that another version's is gone with them.
  outfile: join(root, "node_modules", ".cache", "kubernetes-client.mjs"),
  bundle: true,
  minify: true,
  platform: "node",
  format: "esm",
  target: "node22",
  plugins: [pure],
  // Of its dependencies some are CommonJS modules.
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
  logLevel: "error",
});
