/** Texts that are made to hang, to overflow or to deceive whoever reads them. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { differingFields } from "../../components/cluster/verify/configuration.ts";
import { samplesOf } from "../../components/cluster/verify/metrics.ts";
import { readAnswers } from "../../components/cluster/verify/observation.ts";
import { metricsPortOf } from "../../components/cluster/verify/probe.ts";
import { parseGoDuration } from "../../components/configuration/goDuration.ts";
import { parseQuantity } from "../../components/configuration/goQuantity.ts";
import { marshal } from "../../components/configuration/goYaml.ts";
import {
  cidrFamily,
  ipFamily,
  parseDecimal,
  splitHostPort,
} from "../../components/configuration/goAddress.ts";
import { parseYaml, readYaml } from "../../components/configuration/readYaml.ts";
import { parseJson } from "../../components/input/json.ts";
import { withoutPasswords, withoutUserinfo } from "../../components/input/passwords.ts";
import { printable, printableJson, printableLines } from "../../components/input/printable.ts";
import { repositoryOf } from "../../components/kubeadm/image.ts";
import { helpedFrom } from "../../components/plan/modeSwitch.ts";
import { answers } from "../cluster/verify/fixtures.ts";

/** Longest time of the processor in milliseconds for a reading: a quadratic one takes many seconds with such texts. */
const longest = 800;
const length = 50_000;

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  parseGoDuration,
  parseQuantity,
  ipFamily,
  cidrFamily,
  splitHostPort,
  parseDecimal,
  parseJson,
  parseYaml,
  readYaml,
  withoutPasswords,
  withoutUserinfo,
  printable,
  marshal,
  repositoryOf,
  port: (text) => metricsPortOf({ metricsBindAddress: text }),
  samples: (text) => samplesOf(text, () => true),
  "labels of a sample": (text) => samplesOf(`a{${text}} 1`, () => true),
  "value of a sample": (text) => samplesOf(`a ${text}`, () => true),
  "a declared and a loaded duration": (text) =>
    differingFields({ iptables: { syncPeriod: text } }, { apiVersion: "v", iptables: { syncPeriod: "1s" } }),
  "a metrics page": (text) => readAnswers(answers("iptables", { metrics: text })),
  "a mode": (text) => readAnswers(answers("iptables", { proxyMode: text })),
  "a loaded configuration": (text) => readAnswers(answers("iptables", { configz: text })),
};

/** Parts that, repeated, send a careless pattern or a walker through all of them again and again. */
const parts = [
  ...[
    "1",
    "a",
    " ",
    "\t",
    "\n",
    "\\",
    '"',
    "_",
    ".",
    ":",
    "-",
    "/",
    "=",
    ",",
    "{",
    "}",
    "[",
    "]",
    "&",
    "*",
    "'",
  ],
  ...[
    "1h",
    "1.",
    ".5",
    "0.",
    "a=",
    'a="',
    'a="b",',
    '\\"',
    "a: ",
    "- ",
    "? ",
    "- a\n",
    "a\n",
    "}  ",
    "://",
    "@",
  ],
  ...[
    "[1,",
    '{"a":',
    "&a ",
    "*a ",
    "\u001b[2J",
    "\u202e",
    'a{b="c"} 1\n',
    "1_",
    "0x",
    '- "\n\t\n"\n',
    ":\n",
    "x: 1\n",
    "! ",
  ],
];

function timed(read: (text: string) => unknown, text: string): number {
  const start = process.cpuUsage();
  try {
    read(text);
  } catch (error) {
    assert.ok(error instanceof SyntaxError, `${String(error)}: refused in no other way`);
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/** The sentence by which a kube-proxy's answers are refused; empty where they are not. */
function refusalOf(change: Parameters<typeof answers>[1]): string {
  const read = readAnswers(answers("iptables", change));
  return typeof read === "string" ? read : "";
}

suite("hostile texts", () => {
  for (const [name, read] of Object.entries(readers)) {
    test(`${name}: the time grows with the length, not with its square`, () => {
      for (const part of parts) {
        for (const text of [part.repeat(length / part.length), `${part.repeat(length / part.length)}!`]) {
          const took = timed(read, text);
          // A collection of garbage, or another process, may fall into one reading; not into two.
          const again = took > longest ? timed(read, text) : took;
          assert.ok(again < longest, `${JSON.stringify(part)} repeated takes ${again.toFixed()} ms`);
        }
      }
    });
  }

  test("many keys, many mistakes, and an image of colons", () => {
    const keys = Array.from({ length: 15_000 }, (_, i) => `k${i}: 1\n`).join("");
    const cases: readonly [read: (text: string) => unknown, text: string, most: number][] = [
      [parseYaml, keys, 2000],
      [readYaml, keys, 2000],
      // Each is an Error for the library.
      [parseYaml, "}".repeat(200_000), 4000],
      [repositoryOf, `${":".repeat(200_000)}\n/`, 500],
    ];
    for (const [read, text, most] of cases) {
      const took = timed(read, text);
      assert.ok(took < most, `${read.name} takes ${took.toFixed()} ms`);
    }
  });

  test("whatever a kube-proxy answers, it is read or refused in a sentence", () => {
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.json(), fc.constantFrom(...parts));
    fc.assert(
      fc.property(text, text, text, (metrics, proxyMode, configz) => {
        const page = `process_start_time_seconds 1\n${metrics}`;
        const loaded = `{"kubeproxy.config.k8s.io":${configz}}`;
        const read = readAnswers(answers("iptables", { metrics: page, configz: loaded }));
        assert.ok(typeof read === "string" || typeof read.processStart === "number");
        assert.ok(["string", "object"].includes(typeof readAnswers(answers("iptables", { proxyMode }))));
      }),
      { numRuns: 500 },
    );
  });

  test("more samples or fields than a kube-proxy has are not taken for its own", () => {
    const name = "kubeproxy_sync_proxy_rules_last_timestamp_seconds";
    const rows = Array.from({ length: 200_000 }, (_, i) => `${name}{ip_family="${i}"} 1\n`).join("");
    const metrics = `process_start_time_seconds 1\n${rows}`;
    assert.match(refusalOf({ metrics }), /^its \/metrics is not kube-proxy's/);
    const fields = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`f${i}`, 1]));
    for (const loaded of [fields, { ["k".repeat(5000)]: 1 }, { a: Object.values(fields) }]) {
      const configz = JSON.stringify({ "kubeproxy.config.k8s.io": loaded });
      assert.match(refusalOf({ configz }), /^its \/configz is not kube-proxy's/);
    }
  });

  test("nesting is refused before anybody walks through it", () => {
    for (const [open, close] of [
      ["[", "]"],
      ['{"a":', "}"],
    ] as const) {
      const nested = (depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`;
      assert.doesNotThrow(() => parseJson(nested(100)));
      assert.throws(() => parseJson(nested(101)), SyntaxError);
      const configz = `{"kubeproxy.config.k8s.io":{"mode":${nested(100_000)}}}`;
      assert.match(refusalOf({ configz }), /configz is not kube-proxy's/);
    }
    assert.deepEqual(parseJson('{"a":"[[\\"{","b":[{}]}'), { a: '[["{', b: [{}] });
    assert.throws(() => parseYaml(`${"[".repeat(101)}${"]".repeat(101)}`), /deeper than 100/);
    assert.throws(() => parseYaml("a".repeat(300_000)), /larger than/);
    const bomb = `a0: &a0 [1,1]\n${Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i},*a${i}]\n`).join("")}`;
    assert.throws(() => parseYaml(bomb), SyntaxError);
    const indented = Array.from({ length: 1300 }, (_, i) => `${" ".repeat(i)}a:\n`).join("");
    assert.throws(() => parseYaml(indented), SyntaxError);
    assert.deepEqual(parseYaml("mode: ipvs\nipvs: {scheduler: rr}"), {
      mode: "ipvs",
      ipvs: { scheduler: "rr" },
    });
  });

  test("names that every object of JavaScript has are names like others", () => {
    for (const name of ["constructor", "toString", "__proto__", "valueOf", "hasOwnProperty"]) {
      assert.deepEqual(helpedFrom(name), []);
      const declared = JSON.parse(`{"${name}":{"x":1},"a":{"${name}":1}}`) as Record<string, unknown>;
      const paths = (loaded: object) => differingFields(declared, loaded as never).map(({ path }) => path);
      assert.deepEqual(paths({ apiVersion: "v1alpha1" }), [`${name}.x`, `a.${name}`]);
      assert.deepEqual(paths({}), []);
    }
  });

  test("what is printed is one line, without what moves a cursor or turns the direction", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        assert.doesNotMatch(printable(text), /[\p{Cc}\p{Cf}\u2028\u2029]/u);
        const json = printableJson({ [text]: text }, 2);
        assert.doesNotMatch(json.replaceAll("\n", ""), /[\p{Cc}\p{Cf}\u2028\u2029]/u);
        assert.equal(json.split("\n").length, 3);
        assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify({ [text]: text })));
      }),
    );
    assert.equal(printableLines(["a\u001b[2K\rb", "c\u202ed\u{e0041}\ne"]), "a [2K b\nc d e");
  });
});
