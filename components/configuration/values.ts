import { FloatText, isRecord } from "../input/record.ts";
import { Kind } from "./fields.ts";
import { formatGoDuration, parseGoDuration } from "./goDuration.ts";
import { parseQuantity } from "./goQuantity.ts";
import type { Yaml } from "./goYaml.ts";

interface KindRule {
  /** What is written for an unset field; undefined where `omitempty` leaves it out. */
  readonly zero: Yaml | undefined;
  /** What a user may write, for an error. */
  readonly accepted: string;
  /** The value as Go writes it back, or undefined when Go would not decode it. */
  readonly read: (value: unknown) => Yaml | undefined;
  /** Whether Go refuses `null`, which everywhere else stands for unset. */
  readonly refusesNull?: true;
}

const string = (value: unknown) => (typeof value === "string" ? value : undefined);
const bool = (value: unknown) => (typeof value === "boolean" ? value : undefined);
const integer = (min: number, max: number) => (value: unknown) =>
  typeof value === "number" && Number.isInteger(value) && value >= min && value <= max ? value : undefined;

const isNumber = (value: unknown) =>
  typeof value === "number" || typeof value === "bigint" || value instanceof FloatText;

/** The shortest number that stands for the nearest float32: what Go writes. */
const float32 = (value: unknown) => {
  const nearest = isNumber(value)
    ? Math.fround(Number(value instanceof FloatText ? value.text : value))
    : NaN;
  return Number.isFinite(nearest)
    ? [1, 2, 3, 4, 5, 6, 7, 8, 9]
        .map((digits) => Number(nearest.toPrecision(digits)))
        .find((candidate) => Math.fround(candidate) === nearest)
    : undefined;
};
const int64 = (value: unknown) =>
  typeof value === "bigint"
    ? BigInt.asIntN(64, value) === value
      ? value
      : undefined
    : integer(-(2 ** 63), 2 ** 63 - 1024)(value);
const duration = (value: unknown) => {
  const parsed = typeof value === "string" ? parseGoDuration(value) : undefined;
  return parsed === undefined ? undefined : formatGoDuration(parsed);
};
const quantity = (value: unknown) => parseQuantity(quantityText(value) ?? "")?.text;

/** What Go reads as a quantity: a text, or a number as it is written. */
export function quantityText(value: unknown): string | undefined {
  if (value instanceof FloatText) {
    return value.text;
  }
  return typeof value === "string" || typeof value === "number" || typeof value === "bigint"
    ? String(value)
    : undefined;
}

/** A list's or mapping's entry that is `null` is Go's zero value. */
const orZero = (zero: Yaml, read: (value: unknown) => Yaml | undefined) => (value: unknown) =>
  value === null ? zero : read(value);
const listOf =
  (item: (value: unknown) => Yaml | undefined) =>
  (value: unknown): Yaml[] | undefined => {
    const items = Array.isArray(value) ? value.map(item) : [undefined];
    return items.every((entry) => entry !== undefined) ? items : undefined;
  };
const boolsByName = (value: unknown) => {
  const entries = isRecord(value)
    ? Object.entries(value).map(([name, entry]) => [name, orZero(false, bool)(entry)] as const)
    : undefined;
  return entries?.every((entry): entry is readonly [string, Yaml] => entry[1] !== undefined)
    ? Object.fromEntries(entries)
    : undefined;
};

const int32 = integer(-(2 ** 31), 2 ** 31 - 1);
/** `-0.0` is `-0` in JSON, which Go reads as no unsigned number. */
const uint32 = (value: unknown) => (Object.is(value, -0) ? undefined : integer(0, 2 ** 32 - 1)(value));
const int32Accepted = "a whole number from -2147483648 to 2147483647";
const uint32Accepted = "a whole number from 0 to 4294967295";
const durationAccepted = "a Go duration with a unit, such as 30s, 1h30m or 250ms";

const vmoduleItem = orZero({ filePattern: "", verbosity: 0 }, (value) => {
  if (!isRecord(value) || !Object.keys(value).every((key) => key === "filePattern" || key === "verbosity")) {
    return undefined;
  }
  const filePattern = orZero("", string)(value["filePattern"] ?? null);
  const verbosity = orZero(0, uint32)(value["verbosity"] ?? null);
  return filePattern === undefined || verbosity === undefined ? undefined : { filePattern, verbosity };
});

/** How each kind of field is read, and what stands for nothing. */
export const kinds: Readonly<Record<Kind, KindRule>> = {
  [Kind.string]: { zero: "", accepted: "a string", read: string },
  [Kind.bool]: { zero: false, accepted: "true or false", read: bool },
  [Kind.int32]: { zero: 0, accepted: int32Accepted, read: int32 },
  [Kind.uint32]: { zero: 0, accepted: uint32Accepted, read: uint32 },
  [Kind.float32]: { zero: 0, accepted: "a number that fits a 32-bit float", read: float32 },
  [Kind.duration]: { zero: "0s", accepted: durationAccepted, read: duration, refusesNull: true },
  [Kind.durationOrNanoseconds]: {
    zero: 0,
    accepted: `${durationAccepted}, or nanoseconds as a whole number`,
    read: (value) => duration(value) ?? int64(value),
  },
  [Kind.quantity]: { zero: "0", accepted: "a Kubernetes quantity such as 64Ki", read: quantity },
  [Kind.boolPointer]: { zero: null, accepted: "true or false", read: bool },
  [Kind.int32Pointer]: { zero: null, accepted: int32Accepted, read: int32 },
  [Kind.durationPointer]: { zero: null, accepted: durationAccepted, read: duration },
  [Kind.strings]: { zero: null, accepted: "a list of strings", read: listOf(orZero("", string)) },
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
