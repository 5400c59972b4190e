/** examples/operator: what the Pulumi Kubernetes Operator is given. The schemas of its kinds are not here; they were checked by those of 2.9.0. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parseAllDocuments, parse } from "yaml";
import { stackConfigShape } from "../../components/stackValues.ts";
import { committedSchema, component } from "../../plugin/schemaFile.ts";

const root = join(import.meta.dirname, "..", "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const objectsIn = (path: string) =>
  parseAllDocuments(read(path)).map((document) => document.toJS() as KubernetesObject);

interface Named {
  readonly name: string;
  readonly namespace?: string;
}

interface KubernetesObject {
  readonly kind: string;
  readonly metadata: Named;
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly Named[];
}

interface Stack extends KubernetesObject {
  readonly spec: {
    readonly serviceAccountName: string;
    readonly branch?: string;
    readonly commit?: string;
    readonly prerequisites?: readonly Named[];
    readonly config: Readonly<Record<string, string>>;
    readonly envRefs: Readonly<Record<string, { type: string; literal?: { value: string } }>>;
    readonly workspaceTemplate: {
      readonly spec: {
        readonly env?: readonly { name: string; value: string }[];
        readonly podTemplate: {
          readonly spec: {
            readonly dnsPolicy?: string;
            readonly containers: readonly [{ volumeMounts: { name: string; mountPath: string }[] }];
            readonly volumes: readonly { name: string; persistentVolumeClaim?: { claimName: string } }[];
          };
        };
      };
    };
  };
}

interface Program {
  readonly metadata: Named;
  readonly program: {
    readonly packages: Readonly<Record<string, string>>;
    readonly configuration: object;
    readonly resources: {
      readonly "kube-proxy": { readonly type: string; readonly properties: Readonly<Record<string, string>> };
    };
  };
}

const stacks = objectsIn("examples/operator/stacks.yaml") as Stack[];
const access = objectsIn("examples/operator/access.yaml");
const named = (kind: string) =>
  access.filter((one) => one.kind === kind).map(({ metadata: { name } }) => name);
const reachesItself = ({ spec }: Stack) => !("KUBECONFIG" in spec.envRefs);

suite("the stacks for the operator", () => {
  test("begin with the canary, for which all others wait", () => {
    const [first, ...others] = stacks;
    assert.equal(first?.metadata.name, "canary");
    assert.equal(first.spec.prerequisites, undefined);
    const before = new Set(["canary"]);
    for (const { metadata, spec } of others) {
      assert.ok(spec.prerequisites?.length, metadata.name);
      for (const { name } of spec.prerequisites)
        assert.ok(before.has(name), `${metadata.name} waits for ${name}`);
      before.add(metadata.name);
    }
  });

  test("say which commit and which token, so that a success is one of what is said now", () => {
    for (const { metadata, spec } of stacks) {
      assert.equal(spec.branch, undefined, metadata.name);
      assert.match(spec.commit ?? "", /^[0-9a-f]{40}$/, metadata.name);
      assert.ok("kube-proxy:restart" in spec.config, metadata.name);
      for (const key of Object.keys(spec.config)) {
        const [project, name = ""] = key.split(":");
        assert.equal(project, "kube-proxy");
        assert.ok(name in stackConfigShape, key);
      }
    }
  });

  test("keep their snapshots on a volume of their own, and no secret in the file", () => {
    for (const { metadata, spec } of stacks) {
      const { containers, volumes } = spec.workspaceTemplate.spec.podTemplate.spec;
      const folder = spec.config["kube-proxy:snapshotFolder"] ?? "";
      const mount = containers[0].volumeMounts.find(({ mountPath }) => folder.startsWith(`${mountPath}/`));
      const claim = volumes.find(({ name }) => name === mount?.name)?.persistentVolumeClaim?.claimName ?? "";
      assert.equal(claim, metadata.name);
      assert.ok(named("PersistentVolumeClaim").includes(claim), claim);
      const literal = Object.entries(spec.envRefs).filter(([, { type }]) => type === "Literal");
      assert.ok(
        literal.every(([name]) => name === "KUBECONFIG"),
        metadata.name,
      );
    }
  });

  test("reach the hub's own cluster last, and without the Service that its kube-proxy serves", () => {
    assert.deepEqual(
      stacks.filter(reachesItself).map(({ metadata: { name } }) => name),
      ["hub"],
    );
    const hub = stacks.at(-1);
    assert.ok(hub && reachesItself(hub));
    const { env, podTemplate } = hub.spec.workspaceTemplate.spec;
    assert.deepEqual(
      env?.map(({ name }) => name),
      ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"],
    );
    assert.equal(podTemplate.spec.dnsPolicy, "Default");
    // The operator itself goes the same way.
    const { extraEnv } = parse(read("examples/operator/values.yaml")) as { extraEnv: object[] };
    assert.deepEqual(extraEnv, env);
  });

  test("run as ServiceAccounts that are there, of which the hub's alone has rights, by the roles of docs/rbac", () => {
    const accounts = named("ServiceAccount");
    for (const stack of stacks) {
      assert.equal(stack.metadata.namespace, "kube-proxy-stacks");
      assert.ok(accounts.includes(stack.spec.serviceAccountName));
      assert.equal(stack.spec.serviceAccountName === "kube-proxy-hub", reachesItself(stack));
    }
    const bindings = access.filter(
      ({ roleRef }) => roleRef !== undefined && !roleRef.name.startsWith("system:"),
    );
    const roles = ["up", "checks"].flatMap((name) => objectsIn(`docs/rbac/${name}.yaml`));
    assert.deepEqual(
      bindings
        .map(
          ({ metadata, roleRef }) =>
            `${roleRef?.kind ?? ""} ${metadata.namespace ?? ""} ${roleRef?.name ?? ""}`,
        )
        .sort(),
      roles.map(({ kind, metadata: { name, namespace = "" } }) => `${kind} ${namespace} ${name}`).sort(),
    );
    for (const { subjects = [] } of bindings) {
      assert.deepEqual(
        subjects.map(({ name, namespace }) => [name, namespace]),
        [["kube-proxy-hub", "kube-proxy-stacks"]],
      );
    }
  });

  test("can have a Program, which takes from them what the component accepts", () => {
    const { metadata, program } = parse(read("examples/operator/program.yaml")) as Program;
    const { version } = JSON.parse(read("package.json")) as { version: string };
    assert.equal(program.packages["kube-proxy"], `github.com/OWNER/REPO/plugin@v${version}`);
    const { type, properties } = program.resources["kube-proxy"];
    assert.equal(type.replace(":", ":index:"), component);
    const accepted = Object.keys(committedSchema().resources[component]?.inputProperties ?? {});
    // Of which each is the Stacks' own.
    const own = stacks.map(({ spec }) => Object.keys(spec.config).sort());
    for (const keys of own) {
      assert.deepEqual(
        keys,
        Object.keys(program.configuration)
          .map((key) => `${metadata.name}:${key}`)
          .sort(),
      );
    }
    for (const [key, value] of Object.entries(properties)) {
      assert.ok(accepted.includes(key), key);
      assert.equal(value, `\${${key}}`);
    }
  });
});
