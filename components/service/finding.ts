import { type KindName, kinds } from "./kinds.ts";
import type { Blame, Reason, Severity } from "./weights.ts";

/** What to do or to look at next. */
export interface Next {
  /** As a sentence without a full stop. */
  readonly words: string;
  /** A command to copy; null where there is none. */
  readonly command: string | null;
}

/** Something that was found; as it is in the JSON. */
export interface Finding {
  readonly kind: KindName;
  readonly reason: Reason;
  readonly blame: Blame;
  readonly severity: Severity;
  /** Such as `Service shop/web`. */
  readonly object: string;
  /** What is wrong, one sentence or two. */
  readonly words: string;
  readonly next: Next | null;
}

/** What a finder says of what it has found. */
export interface Found {
  readonly object: string;
  readonly words: string;
  readonly next?: Next;
  /** Where it weighs less than the kind does. */
  readonly severity?: Severity;
}

/** Makes a finding; what its kind says of all of them comes from the table. */
export function finding(kind: KindName, { object, words, next, severity }: Found): Finding {
  const { reason, blame, severity: usual } = kinds[kind];
  return { kind, reason, blame, severity: severity ?? usual, object, words, next: next ?? null };
}
