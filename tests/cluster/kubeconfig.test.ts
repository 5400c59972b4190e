import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, suite, test } from "node:test";
import { stringify } from "yaml";
import { checkForProvider, checkKubeconfig } from "../../components/cluster/kubeconfig.ts";
import type { ClusterChoice } from "../../components/facts/ask.ts";

const folder = mkdtempSync(join(tmpdir(), "kubeconfig-"));
after(() => {
  rmSync(folder, { recursive: true });
});

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const lab = file("lab", "current-context: lab\ncontexts:\n- name: lab\n- name: other\n");
const none = file("none", "contexts: null\n");

function problem(
  choice: ClusterChoice,
  env: NodeJS.ProcessEnv = { KUBECONFIG: join(folder, "missing") },
): string {
  return checkKubeconfig(choice, env)
    .map(({ path, accepted }) => `${path}: ${accepted}`)
    .join();
}

suite("the kubeconfig, before anything is sent", () => {
  test("a path, with its current context or a named one", () => {
    assert.equal(problem({ kubeconfig: lab }), "");
    assert.equal(problem({ kubeconfig: lab, context: "other" }), "");
  });

  test("content in place of a path", () => {
    assert.equal(problem({ kubeconfig: "contexts:\n- name: a\n", context: "a" }), "");
    assert.match(problem({ kubeconfig: "contexts: {\n" }), /^kubeconfig: its content is no kubeconfig/);
  });

  test("a context whose name is no text is none, and content that contains itself is no kubeconfig", () => {
    for (const name of ["{toString: 1, valueOf: 2}", "[{toString: 1}]", "~", "1"]) {
      assert.match(
        problem({ kubeconfig: `contexts:\n- name: ${name}\n- name: a\n`, context: "b" }),
        /^context: one of the kubeconfig's contexts: a$/,
      );
    }
    for (const content of ["a: &a [*a]\n", "a: *b\n", "? {a: 1}\n"]) {
      assert.match(
        problem({ kubeconfig: `contexts: []\n${content}` }),
        /^kubeconfig: its content is no kubeconfig/,
      );
    }
  });

  test("KUBECONFIG names several files, of which some may be missing", () => {
    const KUBECONFIG = [join(folder, "missing"), none, lab].join(delimiter);
    assert.equal(problem({}, { KUBECONFIG }), "");
    assert.equal(problem({ context: "other" }, { KUBECONFIG }), "");
  });

  test("a missing file, context or current context is named with what to do", () => {
    assert.match(
      problem({ kubeconfig: join(folder, "missing") }),
      /^kubeconfig: the path of an existing file/,
    );
    assert.match(problem({}), /^kubeconfig: is required: found none at .*missing; set it to a path/);
    assert.match(problem({ kubeconfig: lab, context: "prod" }), /^context: one of .*contexts: lab, other/);
    assert.match(
      problem({ kubeconfig: none }),
      /^context: is required, since the kubeconfig has no current-context/,
    );
  });

  test("an empty file of KUBECONFIG is one without contexts, as one with comments alone", () => {
    for (const content of ["", "\n", "# nothing yet\n\n  # here"]) {
      const KUBECONFIG = [file("empty", content), lab].join(delimiter);
      assert.equal(problem({}, { KUBECONFIG }), "");
      assert.match(
        problem({ kubeconfig: file("empty", content) }),
        /^context: is required, .*: it has none$/,
      );
    }
    const KUBECONFIG = [file("list", "[]"), lab].join(delimiter);
    assert.match(problem({}, { KUBECONFIG }), /^kubeconfig: .*list is no kubeconfig/);
  });

  test("a KUBECONFIG without a path in it is none, and not that of the home folder", () => {
    assert.match(problem({}, { KUBECONFIG: delimiter }), /found none at any path of KUBECONFIG/);
  });

  test("the variables of a pod alone are no ServiceAccount", () => {
    const env = {
      KUBECONFIG: join(folder, "missing"),
      KUBERNETES_SERVICE_HOST: "10.96.0.1",
      KUBERNETES_SERVICE_PORT: "443",
    };
    assert.match(problem({}, env), /^kubeconfig: is required/);
  });
});

suite("a kubeconfig for Pulumi's provider", () => {
  const told = (choice: ClusterChoice) =>
    checkForProvider(choice).map(({ path, value }) => `${path}: ${String(value)}`);
  const content = (user: object, cluster: object = {}) =>
    stringify({
      "current-context": "a",
      contexts: [
        { name: "a", context: { cluster: "a", user: "a" } },
        { name: "b", context: { cluster: "a", user: "b" } },
      ],
      clusters: [{ name: "a", cluster }],
      users: [
        { name: "a", user },
        { name: "b", user: { tokenFile: "/absolute" } },
      ],
    });
  const user = {
    "client-certificate": "c.crt",
    "client-key": "/c.key",
    tokenFile: "t",
    exec: { command: "./x" },
  };
  const text = content(user, { "certificate-authority": "ca.crt" });

  test("names no file that the provider would look for elsewhere", () => {
    assert.deepEqual(told({ kubeconfig: file("relative", text) }), [
      "certificate-authority of the kubeconfig: ca.crt",
      "client-certificate of the kubeconfig: c.crt",
      "tokenFile of the kubeconfig: t",
      "exec.command of the kubeconfig: ./x",
    ]);
    const [problem] = checkForProvider({ kubeconfig: file("relative", text) });
    assert.match(problem?.accepted ?? "", /^an absolute path, .* set the variable KUBECONFIG$/);
  });

  test("may name what both find, and what is another user's", () => {
    // A text is nowhere: it begins where the program is, with both.
    assert.deepEqual(told({ kubeconfig: text }), ["exec.command of the kubeconfig: ./x"]);
    assert.deepEqual(told({ kubeconfig: content({ exec: { command: "name-in-path" } }) }), []);
    assert.deepEqual(told({ kubeconfig: file("relative", content(user)), context: "b" }), []);
    assert.deepEqual(told({}), []);
  });
});
