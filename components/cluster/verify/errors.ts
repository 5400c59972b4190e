import { printable } from "../../input/printable.ts";
import { ApiError } from "../api.ts";

/** Longest text of somebody else's that a message shows. */
const longest = 300;

/** An error in one line: the API server's own words where it answered. */
export function reasonOf(error: unknown): string {
  return oneLine(error instanceof ApiError ? error.said : messageOf(error));
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Some errors say no more than that something failed; their cause does.
  return error.cause === undefined ? error.message : messageOf(error.cause);
}

/** A text of somebody else's in one line, not too long. */
export function oneLine(text: string): string {
  const clean = printable(text).trim();
  return clean.length > longest ? `${clean.slice(0, longest)}…` : clean;
}

/** Whether the API server was not there, or busy: another time it may answer. */
export function isPassing(error: unknown): boolean {
  const cause = error instanceof Error && !(error instanceof ApiError) ? error.cause : error;
  const { status = 503 } = cause instanceof ApiError ? cause : { status: 200 };
  return status >= 500 || status === 429;
}
