import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  cidrFamily,
  ipFamily,
  parseDecimal,
  splitHostPort,
} from "../../components/configuration/goAddress.ts";

suite("addresses as Kubernetes reads them", () => {
  const addresses: Readonly<Record<string, 4 | 6 | undefined>> = {
    "192.0.2.1": 4,
    "010.000.0.1": 4,
    "::": 6,
    "2001:db8::1": 6,
    "::ffff:10.0.0.1": 4,
    "1:2:3:4:5:6:10.0.0.1": 6,
    "1:2:3:4:5:6:7:8": 6,
    "192.0.2.256": undefined,
    "192.0.2": undefined,
    "1:2:3:4:5:6:7:8::": undefined,
    "1::2::3": undefined,
    "fe80::1%eth0": undefined,
    ":1": undefined,
    "10.0.0.1::": undefined,
    "": undefined,
  };
  for (const [text, family] of Object.entries(addresses)) {
    test(`IP ${JSON.stringify(text)}`, () => {
      assert.equal(ipFamily(text), family);
    });
  }

  const cidrs: Readonly<Record<string, 4 | 6 | undefined>> = {
    "10.244.1.1/16": 4,
    "10.0.0.0/08": 4,
    "fd00::/128": 6,
    "::ffff:10.0.0.0/104": 4,
    "::ffff:10.0.0.0/90": 6,
    "10.0.0.0/33": undefined,
    "10.0.0.0": undefined,
    "10.0.0.0/8/8": undefined,
    "10.0.0.0/+8": undefined,
    "/8": undefined,
  };
  for (const [text, family] of Object.entries(cidrs)) {
    test(`CIDR ${JSON.stringify(text)}`, () => {
      assert.equal(cidrFamily(text), family);
    });
  }

  test("host and port", () => {
    assert.deepEqual(splitHostPort("[::1]:80"), { host: "::1", port: "80" });
    assert.deepEqual(splitHostPort(":80"), { host: "", port: "80" });
    assert.deepEqual(splitHostPort("a:+80"), { host: "a", port: "+80" });
    for (const text of ["::1:80", "[::1]", "a", "[a]b:80", "a]:80", "[[a]:80"]) {
      assert.equal(splitHostPort(text), undefined, text);
    }
    assert.equal(parseDecimal("+080"), 80);
    assert.equal(parseDecimal("8_0"), undefined);
  });
});
