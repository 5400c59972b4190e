import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { fields, Kind } from "../../components/configuration/fields.ts";
import { stackConfigShape } from "../../components/stackValues.ts";
import { inferredSchema, packageSchema } from "../../plugin/schema.ts";
import { committedSchema, component, plainInputs, type Property } from "../../plugin/schemaFile.ts";

suite("the component as a package for other languages", async () => {
  const inferred = await inferredSchema();

  test("its arguments and outputs can be said in every language", () => {
    const { inputProperties, requiredInputs, required } = inferred.resources[component] ?? assert.fail();
    assert.deepEqual(requiredInputs, ["controlPlaneEndpoint", "kubernetesVersion"]);
    assert.deepEqual(required, ["daemonSets", "restart"]);
    const choices = inferred.types["kube-proxy:index:ClusterRoleChoice"] as { enum?: { value: string }[] };
    assert.deepEqual(
      choices.enum?.map(({ value }) => value),
      ["bootstrap", "create"],
    );
    const said: Record<string, string[]> = {
      cluster: ["context", "kubeconfig"],
      hold: ["pause"],
      facts: [],
      remarks: [],
      owner: [],
    };
    assert.deepEqual(
      Object.keys(inputProperties)
        .flatMap((key) => said[key] ?? [key])
        .sort(),
      Object.keys(stackConfigShape).sort(),
      "the stack's config has every argument",
    );
  });

  const schema = committedSchema();
  const { inputProperties = {}, requiredInputs } = schema.resources[component] ?? {};

  test("plugin/schema.json is what these sources make: `npm run schema`", () => {
    assert.deepEqual(schema, packageSchema(inferred));
  });

  test("a program in any language gives what a stack's config gives, and nothing that the plugin finds out", () => {
    const said = Object.keys(inputProperties).flatMap((key) =>
      key === "cluster" ? ["context", "kubeconfig"] : [key],
    );
    assert.deepEqual(said.sort(), Object.keys(stackConfigShape).sort());
    assert.deepEqual(requiredInputs, []);
    assert.doesNotMatch(JSON.stringify(schema), /Facts|`facts`|askFacts/);
  });

  test("the cluster may be an output, since the same program may make it", () => {
    assert.ok(!plainInputs(schema).includes("cluster"));
    assert.ok(plainInputs(schema).includes("pools"));
  });

  test("every input and every field has a description", () => {
    const all = [
      ...Object.entries(inputProperties),
      ...Object.values(schema.types).flatMap(({ properties = {} }) => Object.entries(properties)),
    ];
    assert.deepEqual(
      all.filter(([, { description = "" }]) => description === "").map(([key]) => key),
      [],
    );
  });

  test("whole numbers are integers, as the table of fields has them", () => {
    const typeOf = (path: string): string | undefined => {
      let at: Property | undefined = { $ref: "#/types/kube-proxy:index:KubeProxyConfiguration" };
      for (const key of path.split(".")) {
        at = schema.types[at?.$ref?.replace("#/types/", "") ?? ""]?.properties?.[key];
      }
      return at?.type;
    };
    const wanted: Partial<Record<Kind, string>> = {
      [Kind.int32]: "integer",
      [Kind.uint32]: "integer",
      [Kind.int32Pointer]: "integer",
      [Kind.float32]: "number",
    };
    const numbers = fields.filter(
      ({ path, kind }) => wanted[kind] !== undefined && typeOf(path) !== undefined,
    );
    assert.ok(numbers.length > 5);
    for (const { path, kind } of numbers) assert.equal(typeOf(path), wanted[kind], path);
  });
});
