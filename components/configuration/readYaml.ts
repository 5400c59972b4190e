import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  parseAllDocuments,
  parseDocument,
  Scalar,
  visit,
  type YAMLParseError,
  type YAMLWarning,
} from "yaml";
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

/** The largest text that is read, in bytes: the API server stores no ConfigMap that is larger. */
const largestText = 1024 * 1024;
/** The largest text that {@link parseYaml} reads unless told otherwise: a `config.conf` has some 2 kB. */
const largestConfiguration = 256 * 1024;
/** More than any configuration needs, and little enough for every reader's stack. */
const deepest = 100;
const mostDocuments = 1000;

/**
 * What keeps the library from taking minutes for a large text: `uniqueKeys` compares each key with all others, and
 * `prettyErrors` looks for the line of each of a thousand errors, of which the first is told.
 */
const linear = { uniqueKeys: false, prettyErrors: false, logLevel: "error" } as const;

/**
 * Reads every document of a YAML text as Go's sigs.k8s.io/yaml does: YAML 1.1 booleans, octal and underscored numbers;
 * times and base-60 numbers are text.
 */
export function readYaml(text: string): YamlDocument[] {
  const refused = beyondLimits(text);
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
  return [...parsed].map((document) => readDocument(document, text));
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
    return document.toJS() as unknown;
  } catch (error) {
    // Not YAML, an alias of nothing, too many aliases, or levels by indentation that overflow the library's stack.
    throw new SyntaxError(error instanceof Error ? error.message : String(error));
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

/** Looked at before anything is built: what is refused here would take seconds and gigabytes to parse. */
function beyondLimits(text: string, largest = largestText): string | undefined {
  if (Buffer.byteLength(text) > largest) {
    return largest === largestText
      ? `is larger than ${largest} bytes, which no ConfigMap can be`
      : `is larger than ${largest} bytes`;
  }
  let [documents, inFlow, inLine] = [0, 0, 0];
  for (const token of new Lexer().lex(text)) {
    if (token === "[" || token === "{") {
      inFlow++;
    } else if (token === "]" || token === "}") {
      inFlow--;
    } else if (token === "-" || token === "?") {
      inLine++;
    } else if (token === "---") {
      documents++;
    } else if (token.includes("\n")) {
      inLine = 0;
    }
    if (inFlow > deepest || inLine > deepest) {
      return `is nested deeper than ${deepest} levels`;
    }
    if (documents > mostDocuments) {
      return `has more than ${mostDocuments} documents`;
    }
  }
  return undefined;
}

function readDocument(document: Document, text: string): YamlDocument {
  // A warning is a tag that nobody knows.
  const [told] = [...document.errors, ...document.warnings];
  const { duplicates, refused } = told === undefined ? inspect(document) : { duplicates: [] };
  const error = (told && toldAt(told, text)) ?? refused ?? blankLineWithTab(document, text);
  if (error !== undefined) {
    return { error: `is not YAML: ${error}`, duplicates: [] };
  }
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) as unknown, duplicates };
  } catch (thrown) {
    // An alias of nothing, or too many of them.
    if (thrown instanceof ReferenceError) {
      return { error: `is not YAML: ${thrown.message}`, duplicates: [] };
    }
    throw thrown;
  }
}

function toldAt({ message, pos: [at] }: YAMLParseError | YAMLWarning, text: string): string {
  const before = text.slice(0, at).split("\n");
  return `${message} at line ${before.length}, column ${(before.at(-1) ?? "").length + 1}:`;
}

/** Keys that stand twice, and anchors that Go refuses. */
function inspect(document: Document): { duplicates: string[]; refused?: string } {
  const anchors = new Map<string, unknown>();
  const duplicates: string[] = [];
  let refused: string | undefined;
  visit(document, {
    Node(_key, node, ancestors) {
      if (!isAlias(node) && node.anchor !== undefined) {
        anchors.set(node.anchor, node);
      }
      if (isAlias(node) && (ancestors as readonly unknown[]).includes(anchors.get(node.source))) {
        refused = `anchor ${node.source} contains itself`;
        return visit.BREAK;
      }
      const name = isAlias(node) ? node.source : node.anchor;
      if (name !== undefined && !/^[-\w]+$/.test(name)) {
        refused = `anchor ${name} has signs other than letters, digits, _ and -`;
        return visit.BREAK;
      }
      if (isMap(node)) {
        const seen = new Set<string>();
        for (const { key, value } of node.items) {
          // To Go, a key that a merge brings and one that stands there are two of the same.
          const names = isMergeKey(key) ? mergedKeys(value, anchors) : [keyName(key)];
          for (const name of names) {
            if (seen.has(name)) {
              duplicates.push([...pathOf(ancestors), name].join("."));
            }
            seen.add(name);
          }
        }
      }
      return undefined;
    },
  });
  return { duplicates, ...(refused !== undefined && { refused }) };
}

/** `<<` without quotes, for which the library has a symbol. */
function isMergeKey(key: unknown): boolean {
  return isScalar(key) && typeof key.value === "symbol";
}

function mergedKeys(value: unknown, anchors: ReadonlyMap<string, unknown>): string[] {
  const node = isAlias(value) ? anchors.get(value.source) : value;
  return isMap(node)
    ? node.items.map(({ key }) => keyName(key))
    : isSeq(node)
      ? node.items.flatMap((item) => (isSeq(item) ? [] : mergedKeys(item, anchors)))
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
