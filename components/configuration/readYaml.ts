import {
  type Document,
  isCollection,
  isScalar,
  parseAllDocuments,
  parseDocument,
  Scalar,
  visit,
  type YAMLParseError,
  type YAMLWarning,
} from "yaml";
import { isJsonText, readGoJson } from "./goJson.ts";
import { inspect } from "./inspectYaml.ts";
import { beyondLimits, largestConfiguration, largestText } from "./yamlLimits.ts";
import { isLeftOut, scalars } from "./yamlScalars.ts";

/** One document of a YAML text, as Go's sigs.k8s.io/yaml reads it. */
export interface YamlDocument {
  /** The value; undefined when `error` is set. Whole numbers that JavaScript cannot hold exactly are bigints. */
  readonly value?: unknown;
  /** Why it is not YAML. */
  readonly error?: string;
  /** Keys that stand twice in a mapping, as dotted paths; the last one counts. */
  readonly duplicates: readonly string[];
}

/**
 * What keeps the library from taking minutes for a large text: `uniqueKeys` compares each key with all others, and
 * `prettyErrors` looks for the line of each of a thousand errors, of which the first is told.
 */
const linear = { uniqueKeys: false, prettyErrors: false, logLevel: "error" } as const;

/**
 * Reads every document of a YAML text as Go's sigs.k8s.io/yaml does: YAML 1.1 booleans, octal and underscored numbers;
 * times and base-60 numbers are text. A document that begins with `{` is read as JSON.
 *
 * Source: go.yaml.in/yaml/v2; apimachinery's `serializer/recognizer` for JSON.
 */
export function readYaml(text: string): YamlDocument[] {
  const refused = beyondLimits(text, largestText, true);
  if (refused !== undefined) {
    return [{ error: refused, duplicates: [] }];
  }
  const parsed = withoutTraces(() =>
    parseAllDocuments(text, {
      version: "1.1",
      customTags: (tags) => [...tags.filter((tag) => typeof tag === "string" || !isLeftOut(tag)), ...scalars],
      ...linear,
    }),
  );
  let before = 0;
  return [...parsed].map((document) => {
    const [from, to] = [before, document.range[2]];
    before = to;
    return readDocument(document, text, jsonIn(text.slice(from, to), from));
  });
}

/**
 * Reads a YAML text of one document as most readers do (YAML 1.2), within the limits of {@link readYaml}; a key that
 * stands twice counts as it does the last time.
 *
 * @param largest - the largest text that is read, in bytes; 256 KiB unless given
 * @throws SyntaxError when it is not YAML, or beyond those limits
 */
export function parseYaml(text: string, largest = largestConfiguration): unknown {
  const refused = beyondLimits(text, largest);
  if (refused !== undefined) {
    throw new SyntaxError(refused);
  }
  try {
    const document = withoutTraces(() => parseDocument(text, linear));
    const [error] = document.errors;
    if (error !== undefined) {
      throw error;
    }
    const { refused: cause } = inspect(document);
    if (cause !== undefined) {
      throw new SyntaxError(cause);
    }
    return document.toJS() as unknown;
  } catch (error) {
    // Not YAML, an alias of nothing, too many aliases, or levels by indentation that overflow the library's stack.
    throw new SyntaxError(messageOf(error));
  }
}

/** The library makes an Error of each mistake; for a hundred thousand of them the stack traces alone take most of the time. */
function withoutTraces<T>(work: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** A document's text where Go reads it as JSON: its first sign is a brace. After another document comes a line `---` first. */
function jsonIn(text: string, from: number): string | undefined {
  const own = from === 0 ? text : text.replace(/^[^]*?^---\s*$/m, "");
  return isJsonText(own) ? own : undefined;
}

function readDocument(document: Document, text: string, json: string | undefined): YamlDocument {
  // A warning is a tag that nobody knows.
  const [told] = [...document.errors, ...document.warnings];
  const { duplicates, refused } = told === undefined ? inspect(document) : { duplicates: [] };
  const error =
    (told && toldAt(told, text)) ?? otherVersion(document) ?? refused ?? blankLineWithTab(document, text);
  if (error !== undefined) {
    return { error: `is not YAML: ${error}`, duplicates: [] };
  }
  try {
    const value = json === undefined ? (document.toJS({ maxAliasCount: 100 }) as unknown) : readGoJson(json);
    return { value, duplicates };
  } catch (thrown) {
    // Too many aliases, or YAML in braces.
    const what = json === undefined ? "YAML" : "JSON, which Go takes it for, as it begins with a brace";
    return { error: `is not ${what}: ${messageOf(thrown)}`, duplicates: [] };
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Go refuses every version but 1.1. */
function otherVersion({ directives }: Document): string | undefined {
  const { explicit, version } = directives?.yaml ?? {};
  return explicit === true && version !== "1.1"
    ? `%YAML ${version ?? ""}, where Go reads 1.1 alone`
    : undefined;
}

function toldAt({ message, pos: [at] }: YAMLParseError | YAMLWarning, text: string): string {
  const before = text.slice(0, at).split("\n");
  return `${message} at line ${before.length}, column ${(before.at(-1) ?? "").length + 1}:`;
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
  const [from, , to] = document.range ?? [0, 0, text.length];
  // Both are in the order of the text.
  let [next, end] = [0, 0];
  const refused = tabs.find((tab) => {
    for (let range = inside[next]; range !== undefined && range[0] <= tab; range = inside[++next]) {
      end = Math.max(end, range[1]);
    }
    return from <= tab && tab < to && tab >= end;
  });
  return refused === undefined
    ? undefined
    : `a tab in line ${text.slice(0, refused).split("\n").length}, which is blank otherwise; use spaces`;
}
