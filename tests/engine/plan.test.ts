/** The planner's rules, each with what the real engine does (reference/pulumi.md, sections 0 and 1). */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import {
  dependentReplacements,
  dependentsFirst,
  type Goal,
  type Plan,
  plan,
  type Resource,
} from "./standin/plan.ts";
import {
  formatPath,
  parsePath,
  plain,
  type Props,
  prune,
  replaceAt,
  secret,
  unknownValue,
} from "./standin/values.ts";

const token = 'metadata.annotations["example.com/restart"]';

function goal(inputs: Props, options: Partial<Goal> = {}): Goal {
  return {
    urn: "urn:pulumi:s::p::kubernetes:apps/v1:DaemonSet::agent",
    type: "kubernetes:apps/v1:DaemonSet",
    name: "agent",
    custom: true,
    parent: "",
    provider: "",
    inputs,
    dependencies: [],
    propertyDependencies: {},
    deleteBeforeReplace: undefined,
    replaceOnChanges: [],
    ignoreChanges: [],
    beforeCreate: [],
    beforeUpdate: [],
    additionalSecretOutputs: [],
    importId: "",
    protect: false,
    retainOnDelete: false,
    timeouts: { create: 600, update: 600, delete: 600 },
    ...options,
  };
}

function resource(inputs: Props, options: Partial<Resource> = {}): Resource {
  return { ...goal(inputs), id: "default/agent", outputs: inputs, ...options };
}

/** What happens to a resource whose old inputs are `before`. */
function decide(before: Props, next: Goal, old: Partial<Resource> = {}, forceNew: string[] = []): Plan {
  const { importId } = next;
  assert.equal(importId === "" || Object.keys(old).length === 0, true);
  return plan(next, resource(before, old), {
    base: plain(before),
    forceNew: forceNew.map(parsePath),
    isForced: false,
  });
}

const paths = ({ changes }: Plan): string[] => changes.map(({ path }) => formatPath(path));
const named = (rest: Props): Props => ({
  metadata: { name: "agent", namespace: "default" },
  ...rest,
});

describe("create, same, update", () => {
  test("what the state does not have is created", () => {
    assert.equal(plan(goal({}), undefined, { base: {}, forceNew: [], isForced: false }).op, "create");
  });

  test("equal inputs are the same, whatever the order of keys", () => {
    assert.equal(decide({ a: 1, b: { c: [1] } }, goal({ b: { c: [1] }, a: 1 })).op, "same");
  });

  test("a change is an update that names its paths", () => {
    const decided = decide({ a: 1, list: [{ x: 1 }] }, goal({ a: 2, list: [{ x: 2 }, 3], "b.c": 1 }));
    assert.equal(decided.op, "update");
    assert.deepEqual(paths(decided).sort(), ['["b.c"]', "a", "list[0].x", "list[1]"]);
  });

  test("an init error continues to be waited for without any change", () => {
    assert.equal(decide({ a: 1 }, goal({ a: 1 }), { initErrors: ["timed out"] }).op, "update");
  });

  test("an init error is no reason to replace, even with replaceOnChanges", () => {
    const next = goal({ a: 1 }, { replaceOnChanges: ["a"] });
    assert.equal(decide({ a: 1 }, next, { initErrors: ["timed out"] }).op, "update");
  });

  test("a value that is not known yet is a change", () => {
    assert.equal(decide({ a: "x" }, goal({ a: unknownValue })).op, "update");
  });

  test("a secret is compared by its value", () => {
    assert.equal(decide({ a: secret("x") }, goal({ a: secret("x") })).op, "same");
    assert.equal(decide({ a: secret("x") }, goal({ a: secret("y") })).op, "update");
  });
});

describe("replaceOnChanges", () => {
  const annotated = (value: string): Props => ({
    metadata: { annotations: { "example.com/restart": value } },
  });

  test("a change at the path replaces", () => {
    const decided = decide(annotated("1"), goal(annotated("2"), { replaceOnChanges: [token] }));
    assert.equal(decided.op, "replace");
    assert.deepEqual(paths(decided), [token]);
  });

  test("first bump trap: a map that is new as a whole does not match a path inside it", () => {
    const decided = decide({ metadata: {} }, goal(annotated("1"), { replaceOnChanges: [token] }));
    assert.equal(decided.op, "update");
    assert.deepEqual(paths(decided), ["metadata.annotations"]);
  });

  test("a key that is new in a map that is there replaces", () => {
    const before = { metadata: { annotations: { other: "x" } } };
    const next = goal(
      { metadata: { annotations: { other: "x", "example.com/restart": "1" } } },
      { replaceOnChanges: [token] },
    );
    assert.equal(decide(before, next).op, "replace");
  });

  test("a key with only a slash is the same path in brackets and bare", () => {
    const slash = (value: string): Props => ({
      metadata: { annotations: { "kube-proxy/restart": value } },
    });
    for (const path of [
      'metadata.annotations["kube-proxy/restart"]',
      "metadata.annotations.kube-proxy/restart",
    ]) {
      assert.equal(decide(slash("1"), goal(slash("2"), { replaceOnChanges: [path] })).op, "replace");
    }
  });

  test("a star matches every element", () => {
    const next = goal({ triggers: ["b"] }, { replaceOnChanges: ["triggers[*]"] });
    assert.equal(decide({ triggers: ["a"] }, next).op, "replace");
  });

  test("a star matches no list as a whole", () => {
    assert.equal(decide({}, goal({ triggers: ["b"] }, { replaceOnChanges: ["triggers[*]"] })).op, "update");
  });

  test("it does not delete first unless the program says so", () => {
    const replaceOnChanges = [token];
    const metadata = (value: string): Props => ({
      metadata: { name: "a", annotations: { "example.com/restart": value } },
    });
    const byDefault = decide(metadata("1"), goal(metadata("2"), { replaceOnChanges }));
    const explicit = decide(
      metadata("1"),
      goal(metadata("2"), { replaceOnChanges, deleteBeforeReplace: true }),
    );
    assert.deepEqual([byDefault.deleteFirst, explicit.deleteFirst], [false, true]);
  });
});

describe("replacements that the provider forces", () => {
  const selector = ["metadata.name", "metadata.namespace", "spec.selector"];

  test("a change below a fixed path replaces, and deletes first under the same name", () => {
    const before = named({ spec: { selector: { matchLabels: { a: "1" } } } });
    const decided = decide(
      before,
      goal(named({ spec: { selector: { matchLabels: { a: "2" } } } })),
      {},
      selector,
    );
    assert.deepEqual([decided.op, decided.deleteFirst], ["replace", true]);
  });

  test("an explicit deleteBeforeReplace: false wins over the provider", () => {
    const before = named({ spec: { selector: 1 } });
    const next = goal(named({ spec: { selector: 2 } }), { deleteBeforeReplace: false });
    assert.equal(decide(before, next, {}, selector).deleteFirst, false);
  });

  test("another name or namespace replaces beside the old one", () => {
    for (const metadata of [
      { name: "b", namespace: "default" },
      { name: "agent", namespace: "b" },
    ]) {
      const decided = decide(named({}), goal({ metadata }), {}, selector);
      assert.deepEqual([decided.op, decided.deleteFirst], ["replace", false]);
    }
  });

  test("a parent that comes or goes with the fixed path inside replaces", () => {
    const decided = decide(named({}), goal(named({ spec: { selector: 1 } })), {}, selector);
    assert.equal(decided.op, "replace");
  });

  test("a parent that is not known yet does not: the path is not found in it", () => {
    const decided = decide(
      named({ spec: { selector: 1 } }),
      goal(named({ spec: unknownValue })),
      {},
      selector,
    );
    assert.equal(decided.op, "update");
  });
});

describe("options", () => {
  test("ignoreChanges keeps the old value in an update", () => {
    const decided = decide({ a: 1, b: 1 }, goal({ a: 2, b: 2 }, { ignoreChanges: ["a"] }));
    assert.deepEqual([decided.op, paths(decided), decided.inputs], ["update", ["b"], { a: 1, b: 2 }]);
  });

  test("ignoreChanges alone is no change, and takes out what the old inputs lack", () => {
    const decided = decide({ b: 1 }, goal({ a: 2, b: 1 }, { ignoreChanges: ["a"] }));
    assert.deepEqual([decided.op, decided.inputs], ["same", { b: 1 }]);
  });

  test("ignoreChanges does not mind what the cluster made of it", () => {
    const next = goal({ a: 1 }, { ignoreChanges: ["a"] });
    assert.equal(
      plan(next, resource({ a: 1 }), { base: { a: 7 }, forceNew: [], isForced: false }).op,
      "same",
    );
  });

  test("a replacement takes the program's new value of an ignored path", () => {
    const next = goal({ a: 2, b: 2 }, { ignoreChanges: ["a"], replaceOnChanges: ["b"] });
    const decided = decide({ a: 1, b: 1 }, next);
    assert.deepEqual([decided.op, decided.inputs], ["replace", { a: 2, b: 2 }]);
  });

  test("protect forbids a replacement when it was on before, too", () => {
    const next = goal({ a: 2 }, { protect: true, replaceOnChanges: ["a"] });
    assert.match(decide({ a: 1 }, next, { protect: true }).problem ?? "", /marked for protection/);
    assert.equal(decide({ a: 1 }, next).problem, undefined);
  });

  test("import forbids a replacement, in the CLI's words", () => {
    const next = goal({ a: 2 }, { importId: "default/agent", replaceOnChanges: ["a"] });
    assert.match(
      decide({ a: 1 }, next).problem ?? "",
      /^previously-imported resources that still specify an ID may not be replaced; .*\na$/,
    );
  });

  test("what was deleted and not yet created again is replaced without any change", () => {
    assert.equal(decide({ a: 1 }, goal({ a: 1 }), { pendingReplacement: true }).op, "replace");
  });
});

describe("the live object", () => {
  test("what others added is no difference", () => {
    assert.deepEqual(prune({ a: 1 }, { a: 1, status: 2 }, { a: 1 }), { a: 1 });
  });

  test("what others changed or removed is one", () => {
    assert.deepEqual(prune({ a: 1, b: 1 }, { a: 2 }, { a: 1, b: 1 }), { a: 2 });
    assert.deepEqual(prune({ a: [1, 2] }, { a: [1] }, { a: [1, 2] }), { a: [1] });
  });

  test("what the API server spells in its own way is none", () => {
    assert.deepEqual(prune({ cpu: "0.5" }, { cpu: "500m" }, { cpu: "500m" }), { cpu: "0.5" });
  });

  test("for an import, all that the inputs name counts", () => {
    assert.deepEqual(prune({ a: 1, c: { d: 1 } }, { a: 2, b: 3, c: { e: 1 } }), { a: 2, c: {} });
  });
});

describe("dependents", () => {
  const command = (name: string, options: Partial<Resource>): Resource =>
    resource({}, { urn: name, type: "command:local:Command", replaceOnChanges: ["triggers[*]"], ...options });
  const fixed = ({ type }: Resource): string[][] =>
    type.startsWith("command:") ? [["triggers"]] : [["spec", "selector"]];
  const root = resource({}, { urn: "root" });

  test("an edge by dependsOn never cascades", () => {
    const after = command("after", { dependencies: ["root"] });
    assert.deepEqual(dependentReplacements(root, [root, after], fixed), []);
  });

  test("a trigger that comes from what is replaced does, the last one first", () => {
    const one = command("one", { propertyDependencies: { triggers: ["root"] } });
    const two = command("two", { propertyDependencies: { triggers: ["one"] } });
    const other = command("other", { propertyDependencies: { environment: ["root"] } });
    const found = dependentReplacements(root, [root, one, two, other], fixed);
    assert.deepEqual(
      found.map(({ urn }) => urn),
      ["two", "one"],
    );
  });

  test("a spec that comes from it does not: its selector is not found in an unknown spec", () => {
    const daemonSet = resource({}, { urn: "ds", propertyDependencies: { spec: ["root"] } });
    assert.deepEqual(dependentReplacements(root, [root, daemonSet], fixed), []);
  });

  test("deletion goes against dependencies, parents and providers, in whatever order they are kept", () => {
    const parent = resource({}, { urn: "parent" });
    const child = resource({}, { urn: "child", parent: "parent", dependencies: ["other"] });
    const other = resource({}, { urn: "other", provider: "provider" });
    const provider = resource({}, { urn: "provider" });
    const order = dependentsFirst([child, other, parent, provider]).map(({ urn }) => urn);
    for (const [before, after] of [
      ["child", "parent"],
      ["child", "other"],
      ["other", "provider"],
    ] as const) {
      assert.ok(order.indexOf(before) < order.indexOf(after), `${before} before ${after}: ${order.join()}`);
    }
  });
});

test("a value is put where no mapping leads yet, and nothing is made to take one out", () => {
  const path = ["spec", "annotations", "a"];
  assert.deepEqual(replaceAt({}, path, "b"), { spec: { annotations: { a: "b" } } });
  assert.deepEqual(replaceAt({}, path, undefined), {});
});

test("property paths survive being read and written", () => {
  for (const path of [
    "a.b",
    'metadata.annotations["a.b/c"]',
    "list[0].x",
    "triggers[*]",
    '["x.y"]',
    'a["q\\"t"]',
  ]) {
    assert.equal(formatPath(parsePath(path)).replace('["*"]', "[*]").replace(".*", "[*]"), path);
  }
});
