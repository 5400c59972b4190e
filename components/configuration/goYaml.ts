/**
 * YAML in the bytes that Go's sigs.k8s.io/yaml writes: keys sorted, two spaces, lists not indented, text quoted only
 * where a reader could take it for something else. kubeadm hashes these bytes, so they must be the same to the letter.
 */

/** What can be written: JSON's values; a bigint is a whole number that JavaScript cannot hold exactly. */
export type Yaml =
  null | boolean | number | bigint | string | readonly Yaml[] | { readonly [key: string]: Yaml | undefined };

/**
 * Writes a value as YAML, without a newline at the end. Keys whose value is undefined are left out.
 *
 * Source: sigs.k8s.io/yaml `Marshal` (its goyaml.v2), which has no line width.
 */
export function marshal(value: Yaml): string {
  return lines(value).join("\n");
}

function lines(value: Yaml): string[] {
  if (isList(value)) {
    return value.length === 0 ? ["[]"] : value.flatMap((item) => hang("- ", lines(item)));
  }
  if (isMapping(value)) {
    const entries = Object.entries(value)
      .filter((entry): entry is [string, Yaml] => entry[1] !== undefined)
      .sort(([a], [b]) => naturalOrder(a, b));
    return entries.length === 0 ? ["{}"] : entries.flatMap(([key, item]) => entry(text(key), item));
  }
  return typeof value === "string" && value.includes("\n") ? literal(value) : [scalar(value)];
}

function entry(key: string, value: Yaml): string[] {
  const [first = "", ...rest] = lines(value);
  if (isList(value) && value.length > 0) {
    return [`${key}:`, first, ...rest];
  }
  if (isMapping(value) && first !== "{}") {
    return [`${key}:`, ...[first, ...rest].map(indent)];
  }
  return [`${key}: ${first}`, ...rest.map(indent)];
}

function hang(mark: string, [first = "", ...rest]: string[]): string[] {
  return [mark + first, ...rest.map(indent)];
}

function indent(line: string): string {
  return line === "" ? line : `  ${line}`;
}

function literal(value: string): string[] {
  const chomp = value.endsWith("\n\n") ? "+" : value.endsWith("\n") ? "" : "-";
  const body = value.endsWith("\n") ? value.slice(0, -1) : value;
  return [`|${chomp}`, ...body.split("\n")];
}

function scalar(value: null | boolean | number | bigint | string): string {
  return typeof value === "string" ? text(value) : typeof value === "number" ? number(value) : String(value);
}

/** A number as Go writes it: whole ones up to 64 bits in full, others by `strconv`'s format `g`. */
function number(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 63) {
    return String(BigInt(value));
  }
  const [mantissa = "", exponent = ""] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6) {
    return String(value);
  }
  const size = String(Math.abs(power)).padStart(2, "0");
  return `${mantissa}e${power < 0 ? "-" : "+"}${size}`;
}

/** What a YAML 1.1 reader takes for something else than text; goyaml then quotes it doubly. */
const notText = [
  /^(?:|~|null|Null|NULL)$/,
  /^(?:y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF)$/,
  /^(?:true|True|TRUE|false|False|FALSE)$/,
  /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/,
  /^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)$/,
  /^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$/,
  // Sexagesimal numbers, and times.
  /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/,
  /^\d{4}-\d{1,2}-\d{1,2}(?:[Tt\s].*)?$/,
];
// What libyaml's emitter does not write plain in a block: indicators, and spaces at an end.
const notPlain = /^[#,[\]{}&*!|>'"%@`]|^[-?](?:\s|$)|^---|^\.\.\.|:(?:\s|$)|\s#|^\s|\s$/;
const notPrintable = /[\p{Cc}\ufeff\ufffe\uffff\u{10000}-\u{10ffff}]/u;
const escapes: Readonly<Record<string, string>> = {
  "\0": "\\0",
  "\x07": "\\a",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\v": "\\v",
  "\f": "\\f",
  "\r": "\\r",
  "\x1b": "\\e",
  '"': '\\"',
  "\\": "\\\\",
  "\x85": "\\N",
  "\u2028": "\\L",
  "\u2029": "\\P",
};

/** In double quotes, with what libyaml does not print as escapes. */
function doublyQuoted(value: string): string {
  const escaped = Array.from(value, (sign) => {
    const code = sign.codePointAt(0) ?? 0;
    const hex = code.toString(16).toUpperCase();
    const numeric =
      code <= 0xff
        ? `\\x${hex.padStart(2, "0")}`
        : code <= 0xffff
          ? `\\u${hex.padStart(4, "0")}`
          : `\\U${hex.padStart(8, "0")}`;
    return escapes[sign] ?? (notPrintable.test(sign) ? numeric : sign);
  });
  return `"${escaped.join("")}"`;
}

function text(value: string): string {
  if (notText.some((pattern) => pattern.test(value)) || notPrintable.test(value)) {
    return doublyQuoted(value);
  }
  return notPlain.test(value) ? `'${value.replaceAll("'", "''")}'` : value;
}

/** goyaml's order of keys: letters after other signs, numbers within names by their value. */
function naturalOrder(a: string, b: string): number {
  const [left, right] = [parts(a), parts(b)];
  for (const [i, l] of left.entries()) {
    const r = right[i];
    if (r === undefined) {
      return 1;
    }
    if (l === r) {
      continue;
    }
    if (/^\d/.test(l) && /^\d/.test(r)) {
      return Number(l) - Number(r) || l.length - r.length;
    }
    const [letterL, letterR] = [/^\p{L}/u.test(l), /^\p{L}/u.test(r)];
    return letterL === letterR ? (l < r ? -1 : 1) : letterL ? 1 : -1;
  }
  return left.length - right.length;
}

function parts(key: string): readonly string[] {
  return key.match(/\d+|\D/g) ?? [];
}

function isList(value: Yaml): value is readonly Yaml[] {
  return Array.isArray(value);
}

function isMapping(value: Yaml): value is { readonly [key: string]: Yaml | undefined } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
