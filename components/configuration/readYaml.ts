import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  parseAllDocuments,
  Scalar,
  type ScalarTag,
  visit,
  type YAMLMap,
} from "yaml";

/** One document of a YAML text, as Go's sigs.k8s.io/yaml reads it. */
export interface YamlDocument {
  /** The value; undefined when `error` is set. Whole numbers that JavaScript cannot hold exactly are bigints. */
  readonly value?: unknown;
  /** Why it is not YAML. */
  readonly error?: string;
  /** Keys that stand twice in a mapping, as dotted paths; the last one counts. */
  readonly duplicates: readonly string[];
}

/** The largest text that is read, in bytes: the API server stores no ConfigMap that is larger. */
export const largestText = 1024 * 1024;

/**
 * Reads every document of a YAML text as Go's sigs.k8s.io/yaml does: YAML 1.1 booleans, octal and underscored numbers;
 * times and base-60 numbers are text.
 *
 * Source: go.yaml.in/yaml/v2 `resolve.go`.
 */
export function readYaml(text: string): YamlDocument[] {
  if (Buffer.byteLength(text) > largestText) {
    return [{ error: `is larger than ${largestText} bytes, which no ConfigMap can be`, duplicates: [] }];
  }
  try {
    // `uniqueKeys` compares each key with all others, so that a large mapping would take minutes.
    const parsed = parseAllDocuments(text, {
      version: "1.1",
      customTags: (tags) => [...tags.filter((tag) => typeof tag === "string" || !isLeftOut(tag)), ...scalars],
      uniqueKeys: false,
      logLevel: "error",
    });
    return [...parsed].map((document) => readDocument(document, text));
  } catch (error) {
    if (error instanceof RangeError) {
      return [{ error: "is nested too deeply", duplicates: [] }];
    }
    throw error;
  }
}

function readDocument(document: Document, text: string): YamlDocument {
  // A warning is a tag that nobody knows.
  const [told] = [...document.errors, ...document.warnings];
  const error = told?.message.split("\n")[0] ?? blankLineWithTab(document, text);
  if (error !== undefined) {
    return { error: `is not YAML: ${error}`, duplicates: [] };
  }
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) as unknown, duplicates: duplicatesOf(document) };
  } catch (thrown) {
    if (thrown instanceof ReferenceError) {
      return { error: `is not YAML: ${thrown.message}`, duplicates: [] };
    }
    throw thrown;
  }
}

/** Go refuses a tab before a token, also where there is nothing else in the line; the library passes it over. */
function blankLineWithTab(document: Document, text: string): string | undefined {
  const tabs = [...text.matchAll(/^ *\t[ \t]*$/gm)].map(({ index }) => index);
  if (tabs.length === 0) {
    return undefined;
  }
  const inside: (readonly [from: number, to: number])[] = [];
  visit(document, {
    Node(_key, node) {
      const mayHoldTabs = isScalar(node)
        ? node.type !== Scalar.PLAIN
        : isCollection(node) && node.flow === true;
      if (mayHoldTabs && node.range) {
        inside.push([node.range[0], node.range[1]]);
      }
    },
  });
  const refused = tabs.find((tab) => !inside.some(([from, to]) => from <= tab && tab < to));
  return refused === undefined
    ? undefined
    : `a tab in line ${text.slice(0, refused).split("\n").length}, which is blank otherwise; use spaces`;
}

function duplicatesOf(document: Document): string[] {
  const found: string[] = [];
  visit(document, {
    Map(_key, map: YAMLMap, ancestors) {
      const seen = new Set<string>();
      const note = (name: string) => {
        if (seen.has(name)) {
          found.push([...pathOf(ancestors), name].join("."));
        }
        seen.add(name);
      };
      for (const { key, value } of map.items) {
        const name = keyName(key);
        // To Go, a key that a merge brings and one that stands there are two of the same.
        (name === "<<" ? mergedKeys(value, document) : [name]).forEach(note);
      }
    },
  });
  return found;
}

function mergedKeys(value: unknown, document: Document): string[] {
  const node = isAlias(value) ? value.resolve(document) : value;
  return isMap(node)
    ? node.items.map(({ key }) => keyName(key))
    : isSeq(node)
      ? node.items.flatMap((item) => mergedKeys(item, document))
      : [];
}

function pathOf(ancestors: readonly unknown[]): string[] {
  return ancestors.flatMap((ancestor) =>
    typeof ancestor === "object" && ancestor !== null && "key" in ancestor ? [keyName(ancestor.key)] : [],
  );
}

function keyName(key: unknown): string {
  return isScalar(key) ? String(key.value) : isAlias(key) ? `*${key.source}` : isMap(key) ? "{}" : "[]";
}

/** Tags of YAML 1.1 that no configuration needs, and those that `scalars` reads as Go does. */
const isLeftOut = (tag: { tag: string }) =>
  /:(?:null|bool|int|float|timestamp|binary|set|omap|pairs)$/.test(tag.tag);

const tag = (name: string, test: RegExp, resolve: (text: string) => unknown): ScalarTag => ({
  tag: `tag:yaml.org,2002:${name}`,
  default: true,
  test,
  resolve,
});

const withoutUnderscores = (text: string) => text.replaceAll("_", "");

function integer(text: string): number | bigint {
  const [, sign = "", digits = ""] = /^([-+]?)(.*)$/.exec(withoutUnderscores(text)) ?? [];
  const size = BigInt(/^0\d/.test(digits) ? `0o${digits.slice(1)}` : digits);
  const value = sign === "-" ? -size : size;
  // Beyond 64 bits Go reads a float.
  const exact = value >= -(2n ** 63n) && value < 2n ** 64n;
  return exact && !Number.isSafeInteger(Number(value)) ? value : Number(value);
}

/** What a plain scalar can be; anything else is text. */
const scalars: readonly ScalarTag[] = [
  tag("null", /^(?:~|null|Null|NULL)?$/, () => null),
  tag("bool", /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/, () => true),
  tag("bool", /^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/, () => false),
  tag("int", /^[-+]?(?:0_*[xX][0-9a-fA-F_]+|0_*[bB][01_]+|0_*[oO][0-7_]+|0[0-7_]*|[1-9][0-9_]*)$/, integer),
  tag("float", /^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9_]+)?$/, (text) =>
    Number(withoutUnderscores(text)),
  ),
  tag("float", /^[-+]?\.(?:inf|Inf|INF)$/, (text) => (text.startsWith("-") ? -Infinity : Infinity)),
  tag("float", /^\.(?:nan|NaN|NAN)$/, () => NaN),
];
