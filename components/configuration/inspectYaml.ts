import {
  type Alias,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  visit,
} from "yaml";

/** What a document's tree shows that its value does not. */
export interface Inspection {
  /** Keys that stand twice in a mapping, as dotted paths. */
  readonly duplicates: readonly string[];
  /** What Go refuses though the library reads it, or what multiplies beyond all bounds. */
  readonly refused?: string;
}

/** Merges multiply: a few lines of them can stand for more keys than any memory holds. */
const mostMerged = 10_000;

/**
 * Looks through a document that the library has parsed, in one pass over its nodes.
 *
 * Source: go.yaml.in/yaml/v2 `decode.go` (`alias`, `merge`), sigs.k8s.io/yaml (keys).
 */
export function inspect(document: Document): Inspection {
  const targets = new Map<Alias, unknown>();
  const refused = checkAliases(document, targets) ?? checkPairs(document, targets);
  return refused === undefined
    ? { duplicates: duplicatesIn(document, targets) }
    : { duplicates: [], refused };
}

type Targets = ReadonlyMap<unknown, unknown>;

/** Finds what each alias stands for: of several anchors of a name the last one before it. */
function checkAliases(document: Document, targets: Map<Alias, unknown>): string | undefined {
  const anchors = new Map<string, unknown>();
  let refused: string | undefined;
  visit(document, {
    Node(_key, node, ancestors) {
      const name = isAlias(node) ? node.source : node.anchor;
      if (name === undefined) {
        return undefined;
      }
      if (!/^[-\w]+$/.test(name)) {
        refused = `anchor ${name} has signs other than letters, digits, _ and -`;
      } else if (!isAlias(node)) {
        anchors.set(name, node);
      } else if (!anchors.has(name)) {
        refused = `*${name} is an alias of nothing: no anchor &${name} stands before it`;
      } else if ((ancestors as readonly unknown[]).includes(anchors.get(name))) {
        refused = `anchor ${name} contains itself`;
      } else {
        targets.set(node, anchors.get(name));
      }
      return refused === undefined ? undefined : visit.BREAK;
    },
  });
  return refused;
}

function checkPairs(document: Document, targets: Targets): string | undefined {
  let [refused, merged]: [string | undefined, number] = [undefined, 0];
  visit(document, {
    Pair(_index, pair) {
      refused = refusedPair(pair, targets);
      const names = isMergeKey(pair.key) ? mergedKeys(pair.value, targets) : undefined;
      while (refused === undefined && names?.next().done === false) {
        if (++merged > mostMerged) {
          refused = `merges (<<) of more than ${mostMerged} keys: write them out`;
        }
      }
      return refused === undefined ? undefined : visit.BREAK;
    },
  });
  return refused;
}

/** What Go takes neither for a key nor for a merge. */
function refusedPair({ key, value }: Pair, targets: Targets): string | undefined {
  const named = isAlias(key) ? targets.get(key) : key;
  if (isCollection(named)) {
    return "a mapping or list is a key; only a text can be one";
  }
  if (isScalar(named) && named.value === null) {
    return "null is a key; only a text can be one";
  }
  const isSource = (item: unknown) => isMap(isAlias(item) ? targets.get(item) : item);
  const isMerge = isSource(value) || (isSeq(value) && value.items.every(isSource));
  return isMergeKey(key) && !isMerge ? "a merge (<<) of something else than mappings" : undefined;
}

function duplicatesIn(document: Document, targets: Targets): string[] {
  const duplicates = new Set<string>();
  visit(document, {
    Map(_key, map, ancestors) {
      const seen = new Set<string>();
      for (const { key, value } of map.items) {
        // To Go, a key that a merge brings and one that stands there are two of the same.
        for (const name of isMergeKey(key) ? mergedKeys(value, targets) : [keyName(key)]) {
          if (seen.has(name)) {
            duplicates.add([...pathOf(ancestors), name].join("."));
          }
          seen.add(name);
        }
      }
    },
  });
  return [...duplicates];
}

/** `<<` without quotes, for which the library has a symbol. */
function isMergeKey(key: unknown): boolean {
  return isScalar(key) && typeof key.value === "symbol";
}

function* mergedKeys(value: unknown, targets: Targets): Generator<string> {
  const node = isAlias(value) ? targets.get(value) : value;
  for (const { key } of isMap(node) ? node.items : []) {
    yield keyName(key);
  }
  for (const item of isSeq(node) ? node.items : []) {
    yield* mergedKeys(item, targets);
  }
}

function pathOf(ancestors: readonly unknown[]): string[] {
  return ancestors.flatMap((ancestor) =>
    typeof ancestor === "object" && ancestor !== null && "key" in ancestor ? [keyName(ancestor.key)] : [],
  );
}

function keyName(key: unknown): string {
  return isScalar(key) ? String(key.value) : isAlias(key) ? `*${key.source}` : isMap(key) ? "{}" : "[]";
}
