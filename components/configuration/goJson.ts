import { FloatText } from "../input/record.ts";

/** What Go takes for JSON: a text whose first sign, blanks aside, is a brace; YAML's own mappings in braces are none. */
export function isJsonText(text: string): boolean {
  return /^\s*\{/.test(text);
}

/**
 * Reads JSON as Go does, which is stricter about numbers than YAML: `1e2` is no whole number. Whole numbers that
 * JavaScript cannot hold exactly are bigints.
 *
 * @throws SyntaxError when it is none
 *
 * Source: apimachinery's `util/yaml` (`IsJSONBuffer`), sigs.k8s.io/json.
 */
export function readGoJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) =>
    typeof value === "number" ? numberOf(value, context?.source ?? "") : value,
  ) as unknown;
}

function numberOf(value: number, source: string): unknown {
  if (/[.eE]/.test(source)) {
    return Number.isInteger(value) ? new FloatText(source) : value;
  }
  return Number.isSafeInteger(value) ? value : BigInt(source);
}
