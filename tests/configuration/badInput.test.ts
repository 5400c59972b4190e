import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { suite, test } from "node:test";
import { fields } from "../../components/configuration/fields.ts";
import { readYaml } from "../../components/configuration/readYaml.ts";
import { toJson } from "../../components/input/problems.ts";
import { validateFile } from "../../components/kubeadm/validate.ts";

const header = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";
const mebibyte = 1024 * 1024;
/** As much as still fits a ConfigMap. */
const room = mebibyte - 200;

const keys = (count: number) => Array.from({ length: count }, (_, i) => `k${i}: 1\n`).join("");
const staircase = (step: string) =>
  Array.from({ length: 101 }, (_, i) => `${" ".repeat(6 * i)}${step}\n`).join("");

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
    ["an alias of nothing", `${header}mode: *x\n`, /is not YAML: \*x is an alias of nothing/],
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
    ["more lines than anybody writes", `${header}${"\n".repeat(100_000)}`, /has more than 100000 lines/],
    [
      "more signs than anybody writes",
      `${header}${"a: 1\n".repeat(20_000)}`,
      /has more than 50000 words and signs/,
    ],
    [
      "merges that multiply",
      `${header}a: &a {${keys(200).replaceAll("\n", ",")}}\nb: {<<: [${"*a,".repeat(51)}]}\n`,
      /is not YAML: merges \(<<\) of more than 10000 keys/,
    ],
    ["deep nesting by indentation", `${header}${staircase("a:")}`, /is nested deeper than 100 levels/],
    [
      "deep nesting by dashes in many lines",
      `${header}a:\n${staircase("- - -")}`,
      /is nested deeper than 100 levels/,
    ],
    ["a mapping as a key", `${header}? a: 1\n`, /is not YAML: a mapping or list is a key/],
    ["a list as a key", `${header}? [a]\n: 1\n`, /is not YAML: a mapping or list is a key/],
    ["an alias of a mapping as a key", `${header}a: &a {b: 1}\n? *a\n: 1\n`, /a mapping or list is a key/],
    ["null as a key", `${header}~: 1\n`, /is not YAML: null is a key/],
    ["a merge of a number", `${header}<<: 1\n`, /is not YAML: a merge \(<<\) of something else/],
    [
      "a merge of an alias of a text",
      `${header}mode: &a ipvs\n<<: [*a]\n`,
      /a merge \(<<\) of something else/,
    ],
    [
      "a YAML version that Go refuses",
      `%YAML 1.2\n---\n${header}`,
      /is not YAML: %YAML 1\.2, where Go reads 1\.1/,
    ],
    ["YAML that begins like JSON", `{mode: ipvs}`, /is not JSON, which Go takes it for/],
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

suite("what looks like a bomb and is none", () => {
  const cases: Readonly<Record<string, string>> = {
    "a mebibyte of comments": "# a comment as people write them, of many words\n".repeat(21_000),
    "comments that stand further and further in": staircase("#"),
    "a hundred items of the same depth": `nodePortAddresses:\n${"  - 10.0.0.0/8\n".repeat(200)}`,
    "lists in a list": `logging: {vmodule: [${"{filePattern: a},".repeat(200)}]}\n`,
    "one anchor, merged where it belongs": "iptables: &a {syncPeriod: 30s}\nnftables:\n  <<: *a\n",
    "an alias of a text as a key": "mode: &a ipvs\nfeatureGates: {? *b : true}\n".replace(
      "*b",
      "NFTablesProxyMode",
    ),
    "the version that Go reads": "",
    "blank lines": "\n".repeat(50_000),
  };
  for (const [what, text] of Object.entries(cases)) {
    test(what, () => {
      assert.deepEqual(told(`%YAML 1.1\n---\n${header}${text}`), []);
    });
  }
});

suite("JSON is read as Go reads it", () => {
  const json = (fields: string) =>
    told(`{"apiVersion":"kubeproxy.config.k8s.io/v1alpha1","kind":"KubeProxyConfiguration",${fields}}`);

  test("a number with a point or an exponent is no whole one, and -0 has a sign", () => {
    for (const [fields, path] of [
      [`"oomScoreAdj":1e2`, "oomScoreAdj"],
      [`"oomScoreAdj":100.0`, "oomScoreAdj"],
      [`"logging":{"verbosity":-0}`, "logging.verbosity"],
      [`"logging":{"flushFrequency":1e9}`, "logging.flushFrequency"],
      [`"conntrack":1e2`, "conntrack"],
      [`"mode":1e2`, "mode"],
      [`"mode":"ipvs","mode":"ipvs"`, "mode"],
    ] as const) {
      assert.deepEqual(
        json(fields).map((line) => line.split(":")[0]),
        [path],
        fields,
      );
    }
    assert.deepEqual(
      json(`"oomScoreAdj":-0,"clientConnection":{"qps":1e2},"iptables":{"masqueradeBit":14}`),
      [],
    );
    const gate = `"featureGates":{"LoggingAlphaOptions":true}`;
    assert.deepEqual(json(`${gate},"logging":{"options":{"json":{"infoBufferSize":1e2}}}`), []);
    assert.deepEqual(told(`${header}oomScoreAdj: 1e2\nlogging: {verbosity: 1e0}\n`), []);
    assert.deepEqual(told(`${header}logging: {verbosity: -0.0}\n`).length, 1);
  });

  test("a number that JavaScript cannot hold is told as it stands", () => {
    const { errors } = validateFile(
      `{"oomScoreAdj":9223372036854775807,"logging":{"verbosity":-0},"conntrack":{"min":1e1}}`,
      "v1.37.2",
    );
    const values = errors.flatMap(({ value }) => (value === undefined ? [] : [toJson(value)]));
    assert.deepEqual(values, ['"9223372036854775807"', '"-0"', '"1e1"']);
  });

  test("each document for itself", () => {
    const documents = readYaml(`a: 1e2\n---\n{"a": 1e2}\n---\n# YAML\n{a: 1}\n---\n{a: 1}\n`);
    assert.deepEqual(
      documents.slice(0, 3).map(({ value }) => toJson(value)),
      ['{"a":100}', '{"a":"1e2"}', '{"a":1}'],
    );
    assert.match(documents[3]?.error ?? "", /^is not JSON/);
  });
});

suite("names that every object of JavaScript has are values like others", () => {
  const hostile = "{toString: 1, valueOf: 2, constructor: 3, toJSON: 4, hasOwnProperty: 5, then: 6}";
  test("in the place of any field, and as fields", () => {
    const paths = fields.flatMap(({ path }) => [path, path.split(".")[0] ?? ""]);
    for (const path of new Set(["", "apiVersion", "kind", "valueOf", "toString", "__proto__", ...paths])) {
      const document = path
        .split(".")
        .filter((key) => key !== "")
        .reduceRight((inner, key) => `{? ${key} : ${inner}}`, hostile);
      for (const value of [document, document.replace(hostile, `[${hostile}]`)]) {
        for (const minor of [15, 25, 30, 37]) {
          const { errors } = validateFile(`# \n${value}\n`, `v1.${minor}.0`);
          assert.ok(errors.length > 0, value);
          assert.equal(typeof toJson(errors), "string");
        }
      }
    }
  });
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
    "one number": `oomScoreAdj: ${"1".repeat(room)}\n`,
    "one octal number": `oomScoreAdj: 0${"1".repeat(room)}\n`,
    "one text in quotes": `mode: "${"\\x41".repeat(room / 4)}"\n`,
    "one address": `bindAddress: "${":".repeat(room)}"\n`,
    "blank lines": "\n".repeat(room),
    "blank lines with tabs": "  \t\n".repeat(room / 4),
    "blank lines with tabs in quotes": `a: '${"\n\t\n".repeat(room / 3)}'\n`,
    comments: "#\n".repeat(room / 2),
    "as many unknown keys as are read": keys(9900),
    "as many unknown gates as are read": `featureGates:\n${keys(9900).replaceAll("k", "  KubeProxyGate")}`,
    "unknown keys and unknown gates": `${keys(4900)}featureGates:\n${keys(4900).replaceAll("k", "  Gate")}`,
    "as many addresses as are read": `nodePortAddresses:\n${"- x\n".repeat(16_000)}`,
    "as many keys that stand twice as are read": "a: 1\n".repeat(9900),
    merges: `a: &a {${keys(2000).replaceAll("\n", ",")}}\nb:\n  <<: [${"*a,".repeat(2000)}*a]\n`,
    "merges, one after another": `a: &a {${keys(100).replaceAll("\n", ",")}}\n${"m: {<<: *a}\n".repeat(4000)}`,
    "aliases of a text": `a: &a 1\nb: [${"*a,".repeat(16_000)}]\n`,
    anchors: "a: &a 1\n".repeat(9000),
  };
  for (const [what, text] of Object.entries(cases)) {
    test(`${what} ends within two seconds, without a stack trace`, () => {
      const start = process.cpuUsage();
      const { errors } = validateFile(header + text, "v1.37.2");
      const { user, system } = process.cpuUsage(start);
      assert.ok(errors.length > 0);
      // Of the processor, which others may have at the same time.
      assert.ok(user + system < 2_000_000, `${(user + system) / 1000} ms`);
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

  test("very many errors are counted", () => {
    const { stdout } = run(["--kubernetes-version", "v1.37.2", "-"], header + keys(9900));
    const { errors } = JSON.parse(stdout) as { errors: { accepted: string }[] };
    assert.equal(errors.length, 1001);
    assert.equal(errors.at(-1)?.accepted, "8900 more problems");
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
