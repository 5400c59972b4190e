import * as v from "valibot";
import { type Problem, unknownKey } from "./problems.ts";
import { isRecord } from "./record.ts";

/** A schema of what a user may write. */
export type Schema = v.GenericSchema;

/** A text that passes a test. */
export function text(accepted: string, test: (value: string) => boolean = () => true) {
  return v.pipe(v.string(accepted), v.check(test, accepted));
}

/** One of some texts. */
export function choice(options: readonly string[]) {
  const [last = "", ...others] = [...options].reverse();
  return v.picklist(options, others.length === 0 ? last : `${others.reverse().join(", ")} or ${last}`);
}

/** A list. */
export function list(item: Schema, accepted: string) {
  return v.array(item, accepted);
}

/** A mapping of names that the user chooses. */
export function record(value: Schema, accepted: string) {
  return v.record(v.string(), value, accepted);
}

/** A mapping of known keys; any other key is a problem that names the nearest known one. */
export function mapping(shape: v.ObjectEntries) {
  const accepted = "a mapping";
  // For a missing key valibot asks the mapping for a message; the key's own schema knows better.
  const message = ({ expected }: v.LooseObjectIssue) => messageOf(shape[expected.slice(1, -1)]) ?? accepted;
  return v.pipe(
    v.looseObject(shape, message),
    v.rawCheck(({ dataset: { value }, addIssue }) => {
      if (Array.isArray(value)) {
        addIssue({ message: accepted });
      } else if (isRecord(value)) {
        for (const key of Object.keys(value).filter((name) => !Object.hasOwn(shape, name))) {
          const path: [v.IssuePathItem] = [
            { type: "object", origin: "key", input: value, key, value: value[key] },
          ];
          addIssue({ message: unknownKey(key, Object.keys(shape)), input: undefined, path });
        }
      }
    }),
  );
}

function messageOf(schema: object | undefined): string | undefined {
  return schema !== undefined && "message" in schema && typeof schema.message === "string"
    ? schema.message
    : undefined;
}

/** A key that may be left out. */
export const optional = v.optional;

/** Everything that a schema finds wrong with a value. */
export function problemsOf(schema: Schema, value: unknown): Problem[] {
  const issues = v.safeParse(schema, value).issues ?? [];
  return issues.map(({ path, input, message, kind }) => ({
    path: formatPath(path?.map(({ key }) => key) ?? []),
    ...(input !== undefined && { value: input }),
    accepted: input === undefined && kind === "schema" ? `is required: ${message}` : message,
  }));
}

function formatPath(path: readonly unknown[]): string {
  return path.reduce<string>((prefix, part) => {
    if (typeof part === "number") {
      return `${prefix}[${part}]`;
    }
    return prefix === "" ? String(part) : `${prefix}.${String(part)}`;
  }, "");
}
