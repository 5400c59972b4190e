import { z } from "zod";
import { type Problem, unknownKey } from "./problems.ts";

/** A mapping of known keys; any other key is a problem that names the nearest known one. */
export function mapping<T extends z.ZodRawShape>(shape: T) {
  return z.strictObject(shape, {
    // For an unknown key the message lists the known ones: `problemsOf` makes the sentence.
    error: ({ code }) => (code === "unrecognized_keys" ? Object.keys(shape).join(" ") : "a mapping"),
  });
}

/** A text that passes a test. */
export function text(accepted: string, test: (value: string) => boolean = () => true) {
  return z.string({ error: accepted }).refine(test, { error: accepted });
}

/** Everything that a schema finds wrong with a value. */
export function problemsOf(schema: z.ZodType, value: unknown): Problem[] {
  const issues = schema.safeParse(value, { reportInput: true }).error?.issues ?? [];
  return issues.flatMap((issue): Problem[] => {
    const path = formatPath(issue.path);
    if (issue.code === "unrecognized_keys") {
      const known = issue.message.split(" ");
      return issue.keys.map((key) => unknownKey(formatPath([...issue.path, key]), key, known));
    }
    return issue.input === undefined
      ? [{ path, accepted: `is required: ${issue.message}` }]
      : [{ path, value: issue.input, accepted: issue.message }];
  });
}

function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") {
      return `${text}[${part}]`;
    }
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, "");
}
