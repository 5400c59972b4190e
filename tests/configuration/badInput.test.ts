import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { suite, test } from "node:test";
import { readYaml } from "../../components/configuration/readYaml.ts";
import { validateFile } from "../../components/kubeadm/validate.ts";

const header = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";
const mebibyte = 1024 * 1024;
/** As much as still fits a ConfigMap. */
const room = mebibyte - 200;

const told = (text: string) =>
  validateFile(text, "v1.37.2").errors.map(({ path, accepted }) => `${path}: ${accepted}`);
const valueOf = (text: string) => readYaml(text)[0]?.value;

suite("YAML is read as Go reads it", () => {
  const cases: readonly (readonly [source: string, value: unknown])[] = [
    ["yes", true],
    ["off", false],
    ["N", false],
    ["017", 15],
    ["08", 8],
    ["0o17", 15],
    ["0x1F", 31],
    ["-0b11", -3],
    ["1_000", 1000],
    ["1e3", 1000],
    [".5", 0.5],
    ["1:30", "1:30"],
    ["2026-01-02", "2026-01-02"],
    ["~", null],
    ["Null", null],
    ["tRUE", "tRUE"],
    ["9223372036854775807", 9223372036854775807n],
    ['"5"', "5"],
    ["!!str 5", "5"],
  ];
  for (const [source, value] of cases) {
    test(source, () => {
      assert.deepEqual(valueOf(`a: ${source}\n`), { a: value });
    });
  }

  test("anchors and merge keys", () => {
    assert.deepEqual(valueOf("a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: 2\n"), {
      a: { b: 1 },
      c: { b: 1 },
      d: { b: 1, e: 2 },
    });
    assert.deepEqual(readYaml("a: &x {b: 1}\nd:\n  <<: *x\n  b: 2\n")[0]?.duplicates, ["d.b"]);
  });

  test("a second document is kept apart", () => {
    assert.deepEqual(
      readYaml("a: 1\n---\nb: 2\n").map(({ value }) => value),
      [{ a: 1 }, { b: 2 }],
    );
  });

  test("duplicate keys are told by their paths; the last one counts", () => {
    assert.deepEqual(readYaml("a: {b: 1, b: 2}\na: 3\n")[0], { value: { a: 3 }, duplicates: ["a", "a.b"] });
  });

  test("keys that would change an object's prototype are plain keys", () => {
    const value = valueOf("__proto__: {polluted: true}\nconstructor: 1\n");
    assert.deepEqual(Object.keys(value as object), ["__proto__", "constructor"]);
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
    assert.equal((Object.prototype as { polluted?: boolean }).polluted, undefined);
    assert.deepEqual(
      validateFile(
        `${header}__proto__: {mode: x}\nfeatureGates: {__proto__: true, toString: true}\n`,
        "v1.37.2",
      ).errors.map(({ path }) => path),
      ["__proto__", "featureGates.__proto__", "featureGates.toString"],
    );
  });
});

suite("a clear error", () => {
  const cases: readonly (readonly [what: string, text: string, error: RegExp])[] = [
    ["a tab as indentation", `${header}iptables:\n\tsyncPeriod: 1s\n`, /is not YAML: .*[Tt]ab/],
    ["a tab in a blank line", `${header}mode: ipvs\n\t\n`, /is not YAML: a tab in line 4/],
    ["an alias of nothing", `${header}mode: *x\n`, /is not YAML: .*alias/],
    ["an anchor that contains itself", `${header}mode: &x [*x]\n`, /is not YAML: anchor x contains itself/],
    [
      "aliases that grow without bound",
      `${header}a: &a [x]\n${["b", "c", "d", "e", "f"]
        .map(
          (name, i) =>
            `${name}: &${name} [${Array(10)
              .fill(`*${"abcdef".charAt(i)}`)
              .join(", ")}]`,
        )
        .join("\n")}\n`,
      /is not YAML: Excessive alias count/,
    ],
    ["a tag that Go does not know", `${header}mode: !ruby x\n`, /is not YAML: Unresolved tag/],
    ["deep nesting in brackets", `${header}mode: ${"[".repeat(room)}`, /is nested deeper than 100 levels/],
    [
      "deep nesting in dashes",
      `${header}mode:\n${"- ".repeat(room / 2)}a\n`,
      /is nested deeper than 100 levels/,
    ],
    ["more documents than anybody writes", "---\n".repeat(room / 4), /has more than 1000 documents/],
    ["a file that no ConfigMap can hold", `#${"a".repeat(mebibyte)}`, /is larger than 1048576 bytes/],
    ["a list", "- a\n", /a mapping of KubeProxyConfiguration fields/],
    ["nothing at all", "", /kind: is required/],
  ];
  for (const [what, text, error] of cases) {
    test(what, () => {
      const errors = told(text);
      assert.ok(
        errors.some((line) => error.test(line)),
        errors.slice(0, 3).join("\n").slice(0, 500),
      );
    });
  }
});

suite("a mebibyte of", () => {
  const cases: Readonly<Record<string, string>> = {
    keys: Array.from({ length: 90_000 }, (_, i) => `k${i}: 1\n`).join(""),
    "one key again and again": "a: 1\n".repeat(room / 5),
    "feature gates": `featureGates:\n${Array.from({ length: 60_000 }, (_, i) => `  G${i}: true\n`).join("")}`,
    addresses: `nodePortAddresses:\n${"- x\n".repeat(room / 4)}`,
    "one gate's name": `featureGates: {? ${"A".repeat(room - 100)} : true}\n`,
    "one duration": `configSyncPeriod: ${"1".repeat(room)}s\n`,
    "one quantity": `logging: {options: {json: {infoBufferSize: "${"1".repeat(room - 100)}"}}}\n`,
    "one address": `bindAddress: "${":".repeat(room)}"\n`,
    "blank lines": "\n".repeat(room),
  };
  for (const [what, text] of Object.entries(cases)) {
    test(`${what} ends, without a stack trace`, { timeout: 120_000 }, () => {
      const { errors } = validateFile(header + text, "v1.37.2");
      assert.equal(errors.length > 0, what !== "blank lines");
    });
  }
});

suite("npm run validate", () => {
  const command = join(import.meta.dirname, "..", "..", "commands", "validate.ts");
  const run = (args: string[], input: string | Buffer) =>
    spawnSync(process.execPath, [command, ...args], { input, encoding: "utf8", timeout: 120_000 });

  test("prints JSON to a pipe, and ends with 0 for warnings alone, with 1 for an error", () => {
    const fine = run(["--kubernetes-version", "v1.37.2", "-"], `${header}mode: ipvs\n`);
    assert.equal(fine.status, 0, fine.stderr);
    const { errors, warnings } = JSON.parse(fine.stdout) as Record<string, { path: string }[]>;
    assert.deepEqual(errors, []);
    assert.ok(warnings?.some(({ path }) => path === "mode"));
    const bad = run(["--kubernetes-version", "v1.37.2", "-"], `${header}mod: ipvs\n`);
    assert.equal(bad.status, 1);
    assert.deepEqual((JSON.parse(bad.stdout) as { errors: object[] }).errors, [
      { path: "mod", accepted: "unknown key; did you mean mode?" },
    ]);
  });

  test("numbers that JSON cannot hold are told as they are", () => {
    const { stdout } = run(
      ["--kubernetes-version", "v1.37.2", "-"],
      `${header}oomScoreAdj: 9223372036854775807\nclientConnection: {burst: .inf}\n`,
    );
    assert.match(stdout, /"9223372036854775807"/);
    assert.match(stdout, /"Infinity"/);
  });

  test("a mistake on the command line, or bytes that are no text, end with 2 and no stack trace", () => {
    for (const [args, input, message] of [
      [[], "", /FILE: exactly one is required/],
      [["no/such/file"], "", /cannot be read \(ENOENT\)/],
      [["-"], Buffer.from([0x6d, 0xff, 0xfe, 0x3a]), /is not UTF-8/],
      [["--version", "-"], "", /Unknown option/],
    ] as const) {
      const { status, stderr, stdout } = run([...args], input);
      assert.equal(status, 2, stderr);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /^\s+at /m);
      assert.equal(stdout, "");
    }
  });

  test("a version that is not known, and none at all", () => {
    for (const args of [["--kubernetes-version", "1.37", "-"], ["-"]]) {
      const { status, stdout } = run(args, header);
      assert.equal(status, 1);
      assert.match(stdout, /"path": "kubernetesVersion"/);
    }
  });
});
