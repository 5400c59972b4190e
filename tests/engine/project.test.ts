/** Stack config as the program gets it, and the CLI's checks of it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Crypter } from "./secrets.ts";
import { type Project, readConfig } from "./standin/project.ts";

const crypter = new Crypter("passphrase");

/** What the program gets, with these declarations and this stack config. */
function read(declared: Project["config"], config: Record<string, unknown>): Record<string, string> {
  const project = { name: "p", config: declared };
  return readConfig("dev", project, config, () => crypter).values;
}

describe("stack config", () => {
  test("scalars become texts, objects and lists become JSON", () => {
    const config = { "p:a": "x", "p:b": 3, "p:c": true, "p:d": { e: [1] }, "p:f": ["g"] };
    assert.deepEqual(read({}, config), {
      "p:a": "x",
      "p:b": "3",
      "p:c": "true",
      "p:d": '{"e":[1]}',
      "p:f": '["g"]',
    });
  });

  test("a default and a fixed value fill in, the stack's own value wins", () => {
    const declared = {
      "p:a": { type: "integer", default: 1 },
      "p:b": { type: "integer", default: 2 },
      "k:c": { value: "x" },
    };
    assert.deepEqual(read(declared, { "p:b": 3 }), { "p:a": "1", "p:b": "3", "k:c": "x" });
  });

  test("missing values are told together", () => {
    const declared = { "p:one": { type: "string" }, "p:two": {}, "p:three": {} };
    assert.throws(() => read(declared, { "p:one": "" }), {
      message: "Stack 'dev' is missing configuration values 'three' and 'two'",
    });
    assert.throws(() => read(declared, { "p:one": "", "p:two": 1 }), {
      message: "Stack 'dev' is missing configuration value 'three'",
    });
  });

  test("a secret is decrypted for the program, and must be one where one is declared", () => {
    const declared = { "p:a": { type: "string", secret: true } };
    assert.deepEqual(read(declared, { "p:a": { secure: crypter.encrypt("hunter2") } }), { "p:a": "hunter2" });
    assert.throws(() => read(declared, { "p:a": "hunter2" }), /key 'a' must be encrypted as it's secret/);
  });

  const types: [string, unknown[], unknown[]][] = [
    ["string", ["x", 5, true], [{}, ["x"], null]],
    ["integer", [5, "5", -1], ["five", 1.5, true, {}]],
    ["boolean", [true, "false"], ["yes", 1, {}]],
    ["object", [{}], ["x", [], null]],
    ["array<integer>", [[], [1, "2"]], [["x"], "x", {}]],
  ];
  for (const [type, fitting, others] of types) {
    test(`a value of type ${type}`, () => {
      const declared = type === "array<integer>" ? { type: "array", items: { type: "integer" } } : { type };
      for (const value of fitting) assert.doesNotThrow(() => read({ "p:a": declared }, { "p:a": value }));
      for (const value of others) {
        assert.throws(() => read({ "p:a": declared }, { "p:a": value }), {
          message: `Stack 'dev' with configuration key 'a' must be of type '${type}'`,
        });
      }
    });
  }
});
