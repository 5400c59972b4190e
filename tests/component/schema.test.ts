import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { ComponentProvider } from "@pulumi/pulumi/provider/experimental/provider.js";
import { KubeProxy } from "../../components/index.ts";
import { stackConfigShape } from "../../components/stackValues.ts";

interface Schema {
  resources: Record<
    string,
    { inputProperties: Record<string, object>; requiredInputs: string[]; required: string[] }
  >;
  types: Record<string, { enum?: { value: string }[] }>;
}

suite("the component as a package for other languages", () => {
  // Pulumi infers the schema from the sources of a package; this one is nothing but the component.
  const folder = mkdtempSync(join(tmpdir(), "kube-proxy-schema-"));
  after(() => {
    rmSync(folder, { recursive: true });
  });
  const root = join(import.meta.dirname, "..", "..");
  const write = (name: string, content: unknown) => {
    writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
  };
  write("package.json", { name: "kube-proxy", version: "0.0.1", type: "module", main: "index.ts" });
  write("index.ts", `export * from ${JSON.stringify(join(root, "components", "index.ts"))};`);
  write("tsconfig.json", {
    extends: join(root, "tsconfig.json"),
    compilerOptions: { typeRoots: [join(root, "node_modules", "@types")] },
    include: ["index.ts"],
  });

  test("its arguments and outputs can be said in every language", async () => {
    const provider = new ComponentProvider({ components: [KubeProxy], dirname: folder, name: "kube-proxy" });
    const schema = JSON.parse(await provider.getSchema()) as Schema;
    const component = schema.resources["kube-proxy:index:KubeProxy"];
    assert.ok(component);
    assert.deepEqual(component.requiredInputs, ["controlPlaneEndpoint", "kubernetesVersion"]);
    assert.deepEqual(component.required, ["daemonSets", "restart"]);
    assert.deepEqual(
      schema.types["kube-proxy:index:ClusterRoleChoice"]?.enum?.map(({ value }) => value),
      ["bootstrap", "create"],
    );
    const said: Record<string, string[]> = {
      cluster: ["context", "kubeconfig"],
      hold: ["pause"],
      facts: [],
      remarks: [],
      owner: [],
    };
    const keys = Object.keys(component.inputProperties).flatMap((key) => said[key] ?? [key]);
    assert.deepEqual(
      keys.sort(),
      Object.keys(stackConfigShape).sort(),
      "the stack's config has every argument",
    );
  });
});
