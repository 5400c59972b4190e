// `npm run schema`: makes schema.json from the component's sources, by Pulumi's own inference, and the few things that are
// different for a program that has no facts: the component asks the cluster itself.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ComponentProvider } from "@pulumi/pulumi/provider/experimental/provider.js";
import { KubeProxy } from "../components/index.ts";
import { clusterKeys } from "../components/kubeadm/clusterConfiguration.ts";
import { component, type Property, type ResourceSchema, type Schema } from "./schemaFile.ts";

const root = join(import.meta.dirname, "..");

/** What a program gives the component that is made in it, and the plugin finds out by itself. */
const foundOut = ["facts", "hold", "remarks", "owner"];

/** Numbers that are no whole ones. */
const fractions = ["qps"];

/** What Pulumi's inference makes of the component's sources. */
export async function inferredSchema(): Promise<Schema> {
  const folder = mkdtempSync(join(tmpdir(), "kube-proxy-schema-"));
  const write = (name: string, content: unknown): void => {
    writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
  };
  try {
    // Of a package that is nothing but the component.
    write("package.json", { name: "kube-proxy", version: "0.0.0", type: "module", main: "index.ts" });
    write("index.ts", `export * from ${JSON.stringify(join(root, "components", "index.ts"))};`);
    write("tsconfig.json", {
      extends: join(root, "tsconfig.json"),
      compilerOptions: { typeRoots: [join(root, "node_modules", "@types")] },
      include: ["index.ts"],
    });
    const provider = new ComponentProvider({ components: [KubeProxy], dirname: folder, name: "kube-proxy" });
    return JSON.parse(await provider.getSchema()) as Schema;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The schema of the package. */
export function packageSchema(inferred: Schema): Schema {
  const { resources, types, version: _, ...others } = inferred;
  const { inputProperties, ...own } = resources[component] ?? { inputProperties: {} };
  const inputs = Object.entries(inputProperties)
    .filter(([key]) => !foundOut.includes(key))
    .map(([key, property]) => [key, inputOf(key, property)] as const);
  const kubeProxy = {
    ...own,
    description,
    inputProperties: { ...Object.fromEntries(inputs), pause },
    requiredInputs: [],
  } as ResourceSchema;
  const all = Object.fromEntries(
    Object.entries(types).map(([name, type]) => [
      name,
      name.endsWith(":ClusterAccess") ? withoutId(type) : type,
    ]),
  );
  const schema = {
    ...others,
    ...about,
    resources: { "kube-proxy:index:Command": command, [component]: kubeProxy },
    types: used(all, kubeProxy),
  };
  return wholeNumbers(schema) as Schema;
}

const about = {
  displayName: "kube-proxy",
  description: "A kubeadm cluster's kube-proxy: provisioned, restarted by a changed value, and proved.",
  keywords: ["pulumi", "kubernetes", "kubeadm", "kube-proxy", "category/infrastructure", "kind/component"],
  license: "Apache-2.0",
};

const description = `A kubeadm cluster's kube-proxy: the ServiceAccount, RBAC, ConfigMap and DaemonSet that \`kubeadm init\` makes, with
kubeadm's own names, in kube-system.

A new \`restart\` token *replaces* the DaemonSet: it is deleted, created again, and awaited until every pod is new and
ready. \`restartStrategy\` says whether the pods follow node by node or all at once. Everything else that changes is an
ordinary rollout in place. With \`pools\` there is one DaemonSet for each, and all of this goes from pool to pool.

The component asks the cluster that \`cluster\` chooses for all that is left out, and makes a Kubernetes provider for it.
All mistakes in the arguments are told at once, before any resource is registered.`;

const pause = {
  type: "integer",
  plain: true,
  description: "After how many pools an update pauses, until it is set to 0 again. Default 0: no pause.",
};

const strings = { type: "array", items: { type: "string" } };
const steps = {
  create: { type: "string", description: "What is done when it is made, or when a trigger is another one." },
  update: { type: "string", description: "What is done when anything else is changed." },
  delete: { type: "string", description: "What is done when it is deleted." },
};
const commandInputs = {
  script: { type: "string", description: "The command line of the plugin that is run." },
  arguments: { ...strings, description: "What it is told." },
  environment: {
    type: "object",
    additionalProperties: { type: "string" },
    description: "Its environment.",
  },
  ...steps,
  stdin: { type: "string", description: "What it reads." },
  triggers: { ...strings, description: "A new value replaces it." },
};
const command = {
  description:
    "A step of a KubeProxy: a snapshot, the layout of pools, a proof. The component makes them; they are not for programs.",
  inputProperties: commandInputs,
  requiredInputs: [],
  properties: { ...commandInputs, stdout: { type: "string", description: "What it has printed." } },
  required: ["stdout"],
} as unknown as ResourceSchema;

function inputOf(key: string, property: Property): Property {
  const told = (property.description ?? "").replace(/\s*Needs (`\w+`|\s|and)+\./, "");
  const text = (clusterKeys as readonly string[]).includes(key)
    ? `${told.replace(/ Default: [^.]*\.$/, "")} Default: the cluster's own.`
    : told;
  const { plain, ...others } = property;
  // What is in it may be an output: a cluster that the same program makes.
  return key === "cluster"
    ? { ...others, description: "The cluster, as kubectl would reach it. Default: kubectl's." }
    : { ...others, ...(plain === true && { plain }), description: text };
}

/** The stack's own cluster is the component's to know. */
function withoutId<T extends { properties?: Record<string, Property> }>(type: T): T {
  const { id: _, ...properties } = type.properties ?? {};
  return { ...type, properties };
}

/** Types that a resource names, and those that these name. */
function used(types: Schema["types"], from: object): Schema["types"] {
  const names = new Set<string>();
  const visit = (value: object): void => {
    for (const [, name = ""] of JSON.stringify(value).matchAll(/"#\/types\/([^"]+)"/g)) {
      const type = types[name];
      if (names.has(name) || type === undefined) continue;
      names.add(name);
      visit(type);
    }
  };
  visit(from);
  return Object.fromEntries(Object.entries(types).filter(([name]) => names.has(name)));
}

/** Without what Pulumi's schema does not know, and with whole numbers as such. */
function wholeNumbers(value: unknown, key = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => wholeNumbers(item, key));
  if (typeof value !== "object" || value === null) return value;
  const property = Object.entries(value).filter(
    ([name, item]) => name !== "optional" || typeof item !== "boolean",
  );
  const isWhole = (value as Property).type === "number" && !fractions.includes(key);
  return Object.fromEntries(
    property.map(([name, item]) => [name, isWhole && name === "type" ? "integer" : wholeNumbers(item, name)]),
  );
}

if (import.meta.main) {
  const schema = packageSchema(await inferredSchema());
  writeFileSync(join(import.meta.dirname, "schema.json"), `${JSON.stringify(schema, null, 2)}\n`);
}
