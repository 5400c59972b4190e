import { formatGoDuration, parseGoDuration } from "./goDuration.ts";
import type { Yaml } from "./goYaml.ts";
import { Kind } from "./fields.ts";

interface Rule {
  /** What is written for an unset field; undefined where `omitempty` leaves it out. */
  readonly zero: Yaml | undefined;
  /** What a user may write, for an error. */
  readonly accepted: string;
  /** The value as Go writes it back, or undefined when Go would not decode it. */
  readonly read: (value: unknown) => Yaml | undefined;
}

const string = (value: unknown) => (typeof value === "string" ? value : undefined);
const bool = (value: unknown) => (typeof value === "boolean" ? value : undefined);
const integer = (min: number, max: number) => (value: unknown) =>
  typeof value === "number" && Number.isInteger(value) && value >= min && value <= max ? value : undefined;
const float = (value: unknown) => (typeof value === "number" && Number.isFinite(value) ? value : undefined);
const duration = (value: unknown) => {
  const parsed = typeof value === "string" ? parseGoDuration(value) : undefined;
  return parsed === undefined ? undefined : formatGoDuration(parsed);
};
const quantity = (value: unknown) =>
  typeof value === "string" && /^[+-]?[\d.]+(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/.test(value)
    ? value
    : typeof value === "number"
      ? String(value)
      : undefined;
const listOf =
  (item: (value: unknown) => Yaml | undefined) =>
  (value: unknown): Yaml[] | undefined => {
    const items = Array.isArray(value) ? value.map(item) : [undefined];
    return items.every((entry) => entry !== undefined) ? items : undefined;
  };
const boolsByName = (value: unknown) =>
  isRecord(value) && Object.values(value).every((entry) => typeof entry === "boolean")
    ? (value as Record<string, boolean>)
    : undefined;
const vmoduleItem = (value: unknown) =>
  isRecord(value) &&
  Object.keys(value).every((key) => key === "filePattern" || key === "verbosity") &&
  typeof value["filePattern"] === "string" &&
  integer(0, 2 ** 32 - 1)(value["verbosity"]) !== undefined
    ? (value as Record<string, Yaml>)
    : undefined;

const int32 = integer(-(2 ** 31), 2 ** 31 - 1);
const int32Accepted = "a whole number from -2147483648 to 2147483647";
const durationAccepted = "a Go duration with a unit, such as 30s, 1h30m or 250ms";

/** How each kind of field is read, and what stands for nothing. */
export const rules: Readonly<Record<Kind, Rule>> = {
  [Kind.string]: { zero: "", accepted: "a string", read: string },
  [Kind.bool]: { zero: false, accepted: "true or false", read: bool },
  [Kind.int32]: { zero: 0, accepted: int32Accepted, read: int32 },
  [Kind.uint32]: {
    zero: 0,
    accepted: "a whole number from 0 to 4294967295",
    read: integer(0, 2 ** 32 - 1),
  },
  [Kind.float32]: { zero: 0, accepted: "a number", read: float },
  [Kind.duration]: { zero: "0s", accepted: durationAccepted, read: duration },
  [Kind.durationOrNanoseconds]: {
    zero: 0,
    accepted: `${durationAccepted}, or nanoseconds as a whole number`,
    read: (value) => duration(value) ?? integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)(value),
  },
  [Kind.quantity]: { zero: "0", accepted: "a Kubernetes quantity such as 64Ki", read: quantity },
  [Kind.boolPointer]: { zero: null, accepted: "true or false", read: bool },
  [Kind.int32Pointer]: { zero: null, accepted: int32Accepted, read: int32 },
  [Kind.durationPointer]: { zero: null, accepted: durationAccepted, read: duration },
  [Kind.strings]: { zero: null, accepted: "a list of strings", read: listOf(string) },
  [Kind.stringOmitEmpty]: { zero: undefined, accepted: "a string", read: string },
  [Kind.boolOmitEmpty]: { zero: undefined, accepted: "true or false", read: bool },
  [Kind.boolsByName]: {
    zero: undefined,
    accepted: "a map of feature gates to true or false",
    read: boolsByName,
  },
  [Kind.vmodule]: {
    zero: undefined,
    accepted: "a list of {filePattern, verbosity}",
    read: listOf(vmoduleItem),
  },
};

/** Whether a value is what Go's `omitempty` leaves out. */
export function isEmpty(value: Yaml): boolean {
  return (
    value === null ||
    value === "" ||
    value === false ||
    value === 0 ||
    (typeof value === "object" && Object.keys(value).length === 0)
  );
}

/** Whether a value is a mapping. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
