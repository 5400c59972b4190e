import { Lexer } from "yaml";

/** The largest text that is read, in bytes: the API server stores no ConfigMap that is larger. */
export const largestText = 1024 * 1024;
/** The largest text that `parseYaml` reads unless told otherwise: a `config.conf` has some 2 kB. */
export const largestConfiguration = 256 * 1024;
/** Most words and signs, line ends aside: a `config.conf` has some 500, and the library takes seconds for a million. */
const mostSigns = 50_000;
/** More than any configuration needs, and little enough for every reader's stack. */
const deepest = 100;
const mostDocuments = 1000;
const mostLines = 100_000;

/**
 * Why a YAML text is not read; undefined where it is. Found before anything is built, in one pass: what is refused here
 * would take seconds and gigabytes to parse.
 *
 * @param largest - in bytes
 * @param isCounted - whether words, signs and lines are, too
 */
export function beyondLimits(text: string, largest: number, isCounted = false): string | undefined {
  if (Buffer.byteLength(text) > largest) {
    return largest === largestText
      ? `is larger than ${largest} bytes, which no ConfigMap can be`
      : `is larger than ${largest} bytes`;
  }
  const depth = new Depth();
  let [documents, lines, read] = [0, 0, 0];
  for (const token of new Lexer().lex(text)) {
    if (isControl(token)) continue;
    depth.pass(token);
    documents += token === "---" ? 1 : 0;
    if (token === "\n") lines++;
    else read++;
    if (depth.levels > deepest) {
      return `is nested deeper than ${deepest} levels`;
    }
    if (documents > mostDocuments) {
      return `has more than ${mostDocuments} documents`;
    }
    if (isCounted && lines > mostLines) {
      return `has more than ${mostLines} lines`;
    }
    if (isCounted && read > mostSigns) {
      return `has more than ${mostSigns} words and signs, which no configuration has: give the part that is meant alone`;
    }
  }
  return undefined;
}

/** What the lexer tells its parser between the text's own tokens. */
function isControl(token: string): boolean {
  return token === "\x02" || token === "\x18" || token === "\x1f";
}

/** How deep a text is nested: by brackets, by dashes in a line, and by lines that stand further in than those before them. */
class Depth {
  readonly #lines: { readonly indent: number; marks: number }[] = [];
  #inLines = 0;
  #inFlow = 0;
  /** How far in the present line begins; undefined once its first word was read. */
  #indent: number | undefined = 0;

  get levels(): number {
    return this.#inLines + this.#inFlow;
  }

  pass(token: string): void {
    if (token.includes("\n")) {
      this.#indent = 0;
    } else if (this.#inFlow > 0 || token === "[" || token === "{") {
      this.#passFlow(token);
    } else if (this.#indent !== undefined && /^ +$/.test(token)) {
      this.#indent = token.length;
    } else if (!token.startsWith("#")) {
      this.#passWord(token);
    }
  }

  #passFlow(token: string): void {
    if (token === "[" || token === "{") this.#inFlow++;
    if (token === "]" || token === "}") this.#inFlow--;
  }

  #passWord(token: string): void {
    if (this.#indent !== undefined) {
      this.#begin(this.#indent);
      this.#indent = undefined;
    }
    const line = this.#lines.at(-1);
    if ((token === "-" || token === "?") && line !== undefined) {
      line.marks++;
      this.#inLines++;
    }
  }

  /** A line ends all before it that do not stand less far in. */
  #begin(indent: number): void {
    let last = this.#lines.at(-1);
    while (last !== undefined && last.indent >= indent) {
      this.#inLines -= 1 + last.marks;
      this.#lines.pop();
      last = this.#lines.at(-1);
    }
    this.#lines.push({ indent, marks: 0 });
    this.#inLines++;
  }
}
