import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { withoutPasswords, withoutSecrets, withoutUserinfo } from "../../components/input/passwords.ts";

suite("what is not printed", () => {
  test("passwords of addresses in a text, whatever is in them, and tokens in their place", () => {
    const shown = {
      "http://me:hidden@proxy:3128": "http://me:PASSWORD@proxy:3128",
      "http://me:hid@den@proxy and http://:hidden@b/": "http://me:PASSWORD@proxy and http://:PASSWORD@b/",
      "https://hidden@proxy": "https://PASSWORD@proxy",
      "http://proxy:3128/?to=me@example.com": "http://proxy:3128/?to=me@example.com",
      "mail me@example.com": "mail me@example.com",
    };
    for (const [text, expected] of Object.entries(shown)) assert.equal(withoutPasswords(text), expected);
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
      { name: "https_proxy", value: "http://me:PASSWORD@proxy" },
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
