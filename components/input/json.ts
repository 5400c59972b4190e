/** More levels than any object of Kubernetes has, and few enough for every reader's stack. */
const deepest = 100;

/**
 * Reads JSON that somebody else has written.
 *
 * @throws SyntaxError when it is none, or nested deeper than 100 levels: whoever walks through it would overflow the stack
 */
export function parseJson(text: string): unknown {
  if (isDeeper(text)) {
    throw new SyntaxError(`nested deeper than ${deepest} levels`);
  }
  return JSON.parse(text);
}

/** Found in the text, in one pass: what is too deep is not even built. */
function isDeeper(text: string): boolean {
  let [depth, inText] = [0, false];
  for (let index = 0; index < text.length; index++) {
    const sign = text.charCodeAt(index);
    if (inText) {
      if (sign === backslash) index++;
      else if (sign === quote) inText = false;
    } else if (sign === quote) inText = true;
    else if (sign === brace || sign === bracket) depth++;
    else if (sign === braceEnd || sign === bracketEnd) depth--;
    if (depth > deepest) return true;
  }
  return false;
}

const quote = 0x22;
const bracket = 0x5b;
const backslash = 0x5c;
const bracketEnd = 0x5d;
const brace = 0x7b;
const braceEnd = 0x7d;
