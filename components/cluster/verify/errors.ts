import { ApiException } from "../kubernetes.ts";

/** Longest text of somebody else's that a message shows. */
const longest = 300;

/** An error in one line: the API server's own words where it answered, without what could move a terminal's cursor. */
export function reasonOf(error: unknown): string {
  return oneLine(error instanceof ApiException ? apiReason(error) : messageOf(error));
}

function apiReason(error: ApiException<unknown>): string {
  let body: unknown = error.body;
  try {
    body = typeof body === "string" ? JSON.parse(body) : body;
  } catch {
    // Not JSON: an answer by something in between.
  }
  return hasMessage(body) ? body.message : `the API server answers with status ${error.code}`;
}

function messageOf(error: unknown): string {
  // `fetch failed` says nothing; its cause does.
  if (error instanceof Error && error.cause !== undefined) return messageOf(error.cause);
  // The WebSocket client rejects with an event, which is no Error.
  return hasMessage(error) ? error.message : String(error);
}

function hasMessage(value: unknown): value is { message: string } {
  return (
    typeof value === "object" && value !== null && "message" in value && typeof value.message === "string"
  );
}

/** A text of somebody else's in one line, not too long. */
export function oneLine(text: string): string {
  const clean = text.replace(/\p{Cc}+/gu, " ").trim();
  return clean.length > longest ? `${clean.slice(0, longest)}…` : clean;
}
