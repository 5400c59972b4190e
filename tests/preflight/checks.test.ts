import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { SnapshotIn } from "../../components/plan/snapshotIn.ts";
import { Task } from "../../components/plan/task.ts";
import { accessesOf, describeAccess } from "../../components/preflight/rights.ts";
import { allows, rightsIn } from "../rbac/rights.ts";
import { applied, check, findings, names, restart, type Wishes, well } from "./fixtures.ts";

suite("the checks before an up", () => {
  test("are silent where nothing is wrong: on a new cluster, when nothing changes, with a restart", () => {
    assert.deepEqual(findings({}, well), []);
    assert.deepEqual(findings({}, applied()), []);
    assert.deepEqual(findings(restart, applied()), []);
    assert.deepEqual(findings({}, applied(), { running: false }), []);
  });

  test("have cases in which they fire, each of them, and a row in the manual", () => {
    const cases = readdirSync(import.meta.dirname)
      .map((file) => readFileSync(`${import.meta.dirname}/${file}`, "utf8"))
      .join();
    const manual = readFileSync(`${import.meta.dirname}/../../docs/preflight.md`, "utf8");
    for (const name of names) {
      assert.match(cases, new RegExp(`^    "?${name}"?: \\{$`, "m"));
    }
    const rows = [...manual.matchAll(/^\| `([a-z-]+)` /gm)].map(([, name]) => name);
    assert.deepEqual(rows.toSorted(), names.toSorted());
  });

  test("say which of them cannot be done, and why, and pass nothing", () => {
    const unread = { webhooks: "500 it broke", namespace: "no answer in time" };
    const { namespace, webhooks, ...rest } = well;
    const { problems, warnings } = check({}, { ...rest, unread });
    assert.deepEqual(problems, []);
    assert.deepEqual(warnings, [
      "not checked: admission-webhook: the webhooks cannot be read: 500 it broke",
      "not checked: admission-webhook, pod-security: Namespace kube-system cannot be read: no answer in time",
    ]);
    const aNode = { controlPlaneEndpoint: "198.18.0.1" };
    assert.deepEqual(check(aNode, { nodes: [], unread: { nodes: "500" } }).problems, []);
  });

  test("are ignored by name: what they find is one line with the reason, what they do not is none", () => {
    const ignored = { "priority-class": "made later", "node-os": "we know" };
    const { problems, warnings, lines } = check({}, { priorityClasses: [] }, { ignored });
    assert.deepEqual([problems, warnings], [[], []]);
    assert.equal(lines.length, 1);
    assert.match(
      lines[0] ?? "",
      /^priority-class: ignored \(made later\): PriorityClass system-node-critical: is/,
    );
  });

  test("tell no value when an argument is a secret", () => {
    const [found, ...others] = findings({ controlPlaneEndpoint: "192.0.2.11" }, {}, { secret: true });
    assert.match(
      found ?? "",
      /^error endpoint-unknown: controlPlaneEndpoint: not told, since an argument is a secret/,
    );
    assert.deepEqual(others, []);
  });

  test("take what is not known of the DaemonSets for a change", () => {
    const unread = { daemonSets: "500" };
    const denied = ["create serviceaccounts in kube-system"];
    const found = findings({}, { ...applied(), daemonSets: [], priorityClasses: [], unread, denied });
    assert.ok(!found.some((line) => line.includes("rights")), "it may be there already");
    assert.ok(found.some((line) => line.startsWith("error priority-class: ")));
    assert.ok(found.some((line) => /not checked: rollout-running, /.test(line)));
  });
});

suite("rights", () => {
  test("are asked for one by one, each once, with the pools' objects", () => {
    const asked = accessesOf(["canary"]).map(describeAccess);
    assert.deepEqual(asked, [...new Set(asked)]);
    assert.ok(asked.includes("delete daemonsets.apps kube-proxy-canary in kube-system"));
    assert.ok(asked.includes("create pods/portforward in kube-system"));
    assert.ok(!asked.some((one) => /^create \S+ kube-proxy/.test(one)), "a create has no name yet");
  });

  test("are those that docs/rbac gives", () => {
    const given = [...rightsIn("up.yaml"), ...rightsIn("checks.yaml")];
    const undocumented: readonly Task[] = [Task.ownRole, Task.repair];
    const missing = accessesOf(["canary", "rest"])
      .filter(({ tasks }) => tasks.some((task) => !undocumented.includes(task)))
      .filter((access) => access.name !== "kube-proxy:node-proxier" || access.verb === "get")
      .filter((access) => !given.some((right) => allows(right, access)));
    assert.deepEqual(missing.map(describeAccess), []);
  });

  test("to immutable ConfigMaps are asked for where there are to be any, and those that docs/rbac gives", () => {
    const asked = accessesOf([], [Task.immutable]).filter(({ tasks }) => tasks.includes(Task.immutable));
    const given = rightsIn("immutable.yaml");
    assert.deepEqual(
      [...new Set(given.map(({ verb }) => verb))].sort(),
      asked.map(({ verb }) => verb).sort(),
    );
    assert.ok(asked.every((access) => given.some((right) => allows(right, access))));
    const unasked = accessesOf([]).map(describeAccess);
    for (const verb of ["get", "patch", "delete"])
      assert.ok(!unasked.includes(`${verb} configmaps in kube-system`), verb);
    const denied = ["patch configmaps in kube-system"];
    assert.ok(
      findings({ immutableConfig: true }, applied({}, { denied })).some((line) =>
        line.includes(denied[0] ?? ""),
      ),
    );
    assert.ok(!findings({}, applied({}, { denied })).some((line) => line.includes("rights")));
  });

  test("to the Secrets of snapshots are asked for where they are to be kept there, by a change alone", () => {
    const isOfSecrets = (access: { readonly resource: string }) => access.resource === "secrets";
    const asked = accessesOf([], [Task.keepSnapshot]).filter(isOfSecrets);
    const given = rightsIn("snapshots.yaml", ["-reading"]);
    assert.deepEqual(given.map(({ verb }) => verb).sort(), asked.map(({ verb }) => verb).sort());
    assert.ok(asked.every((access) => given.some((right) => allows(right, access))));
    assert.ok(!accessesOf([]).some(isOfSecrets), "nobody else is asked");
    const denied = ["create secrets in kube-proxy-snapshots"];
    const told = (args: typeof restart | object, wishes: Wishes) =>
      findings(args, applied({}, { denied }), wishes)
        .filter((line) => line.includes("rights"))
        .join("\n");
    const { cluster, folder } = SnapshotIn;
    const expected =
      /^error rights: your user: may not create secrets in kube-proxy-snapshots, which .* \(keepSnapshot\);/;
    assert.match(told(restart, { snapshotIn: cluster }), expected);
    assert.match(told({}, { snapshotIn: cluster, running: false }), expected);
    assert.equal(told({}, { snapshotIn: cluster }), "");
    assert.equal(told(restart, { snapshotIn: folder }), "");
    assert.equal(told(restart, {}), "");
  });

  test("are all that docs/rbac gives for an up, and for its checks", () => {
    const asked = accessesOf(["canary", "rest"]);
    const unused = ["preview.yaml", "up.yaml", "checks.yaml"]
      .flatMap((file) => rightsIn(file))
      .filter((right) => !asked.some((access) => allows(access, right) || allows(right, access)));
    assert.deepEqual(unused, []);
  });

  test("a restart of a user with none names all that it needs", () => {
    const denied = accessesOf([]).map(describeAccess);
    const found = findings(restart, applied({}, { denied })).filter((line) =>
      line.startsWith("error rights"),
    );
    for (const right of [
      "delete daemonsets",
      "create daemonsets",
      "watch pods",
      "list nodes",
      "get pods/portforward",
    ]) {
      assert.ok(
        found.some((line) => line.includes(right)),
        `${right} in:\n${found.join("\n")}`,
      );
    }
    assert.ok(!found.some((line) => line.includes("create serviceaccounts")));
  });
});
