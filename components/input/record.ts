/** A whole number that JSON writes with a point or an exponent, such as `1e2`: Go takes it for a float and nothing else. */
export class FloatText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** As it is told in a problem. */
  toJSON(): string {
    return this.text;
  }
}

/** Whether a value is a mapping. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof FloatText)
  );
}
