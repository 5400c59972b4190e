/** What an earlier run has done, by what Pulumi itself keeps of a stack's last update. */
import type { UpdateSummary } from "@pulumi/pulumi/automation/stack.js";

/** What a run is to come to in every stack. */
export interface Goal {
  /** The restart token; undefined for a run that is no restart. */
  readonly token: string | undefined;
  /** The message of the updates, `pulumi up --message`; undefined for none. */
  readonly message: string | undefined;
}

/** The part of Pulumi's record that is looked at. */
export type LastUpdate = Pick<
  UpdateSummary,
  "kind" | "result" | "message" | "config" | "startTime" | "endTime"
>;

/**
 * The stacks in which nothing is left to do, with when that was, in milliseconds since 1970: their last update has succeeded,
 * with the token in its config, or with the message. Without either nobody knows.
 *
 * @param project - name of the project, the namespace of its config
 * @param updates - by stack; one that was never updated is not there
 */
export function alreadyDone(
  { token, message }: Goal,
  project: string,
  updates: ReadonlyMap<string, LastUpdate>,
): Map<string, number> {
  const isDone = (last: LastUpdate): boolean =>
    last.kind === "update" &&
    last.result === "succeeded" &&
    (token === undefined
      ? message !== undefined && last.message === message
      : last.config[`${project}:restart`]?.value === token);
  return new Map(
    [...updates].flatMap(([stack, last]) => (isDone(last) ? [[stack, last.endTime.getTime()]] : [])),
  );
}
