import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { formatProblems } from "../../components/input/problems.ts";
import {
  plainPasswords,
  withoutPasswords,
  withoutSecrets,
  withoutUserinfo,
} from "../../components/input/passwords.ts";

suite("what is not printed", () => {
  test("passwords of addresses in a text, whatever is in them, and tokens in their place", () => {
    const shown = {
      "http://me:hidden@proxy:3128": "http://me:PASSWORD@proxy:3128",
      "http://me:hid@den@proxy and http://:hidden@b/": "http://me:PASSWORD@proxy and http://:PASSWORD@b/",
      "https://hidden@proxy": "https://PASSWORD@proxy",
      "http://me:hid/den@proxy:3128": "http://me:PASSWORD@proxy:3128",
      "http://proxy:3128/?to=me@example.com": "http://proxy:3128/?to=me@example.com",
      "mail me@example.com": "mail me@example.com",
    };
    for (const [text, expected] of Object.entries(shown)) assert.equal(withoutPasswords(text), expected);
  });

  test("a proxy's user, password or token, however it is written, and the address where there is none", () => {
    const shown = (value: string) => withoutSecrets([{ name: "HTTPS_PROXY", value }], "env");
    for (const value of [
      "http://u:se/cret@p",
      "u:secret@p:3128",
      "http://u:a b@p",
      "http://token@p",
      "http://p?u@",
    ])
      assert.deepEqual(shown(value), [{ name: "HTTPS_PROXY", value: "VALUE" }], value);
    assert.deepEqual(shown("http://p:3128"), [{ name: "HTTPS_PROXY", value: "http://p:3128" }]);
  });

  test("a password that is a plain value is told, by its variable's name and with the command for it", () => {
    const plain = { name: "NO_PROXY", value: "10.0.0.0/8" };
    assert.equal(plainPasswords([plain]), undefined);
    const told = plainPasswords([plain, { name: "HTTPS_PROXY", value: "http://me:hidden@proxy" }]) ?? "";
    assert.match(
      told,
      /^env: HTTPS_PROXY: .* set it by pulumi config set --secret --path 'env\[1\]\.value'$/,
    );
    assert.doesNotMatch(told, /hidden/);
  });

  test("no problem of an environment shows what is in it", () => {
    const problems = [
      { path: "env", value: [{ name: "A", value: "hidden" }] },
      { path: "env", value: "hidden" },
      { path: "env[0].value", value: "hidden" },
      { path: "env[0]", value: { name: "A", value: "hidden" } },
      { path: "env[0].more", value: "hidden" },
    ];
    for (const problem of problems)
      assert.doesNotMatch(formatProblems("it", [{ ...problem, accepted: "nothing" }]), /hidden/);
    assert.match(formatProblems("it", [{ path: "env[0].name", value: "A=B", accepted: "a name" }]), /A=B/);
  });

  test("the user of a server's URL, also where it is no URL", () => {
    const shown = {
      "https://me:hidden@server:6443": "https://server:6443",
      "https://me:hidden@server/k8s/": "https://server/k8s",
      "https://me:hid/den@server": "https://server",
      "https://me:hidden@server:port": "https://server:port",
      "me:hidden@server:6443": "server:6443",
      "https://server/": "https://server/",
    };
    for (const [url, expected] of Object.entries(shown)) assert.equal(withoutUserinfo(url), expected);
  });

  test("values of an environment, but for those that are nobody's secret", () => {
    const env = [
      { name: "API_KEY", value: "hidden" },
      { name: "https_proxy", value: "http://me:hidden@proxy" },
      { name: { toString: 1 }, value: "hidden" },
      { name: "GODEBUG", value: "http2debug=1" },
      { name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
    ];
    const shown = [
      { name: "API_KEY", value: "VALUE" },
      { name: "https_proxy", value: "VALUE" },
      { name: { toString: 1 }, value: "VALUE" },
      ...env.slice(3),
    ];
    assert.deepEqual(withoutSecrets(env, "env"), shown);
    const containers = [{ name: "sidecar", args: ["--to=http://me:hidden@x"], env }];
    assert.deepEqual(withoutSecrets({ containers }), {
      containers: [{ name: "sidecar", args: ["--to=http://me:PASSWORD@x"], env: shown }],
    });
    const toleration = { key: "a", value: "b" };
    assert.deepEqual(withoutSecrets([toleration], "tolerations"), [toleration]);
  });
});
