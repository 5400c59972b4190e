/** How a report puts moments and durations in words. */
import type { Outcome, UpdateReport } from "./types.ts";

/** A duration that one reads at a glance: `4 ms`, `0.42 s`, `12.3 s`, `4 min 05 s`, `2 h 10 min`; `–` for none. */
export function duration(seconds: number | null): string {
  if (seconds === null) return "–";
  if (seconds > 0 && seconds < 0.1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(seconds < 1 && seconds > 0 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** A moment in UTC: `2026-11-29 06:40:12 UTC`. */
export function moment(iso: string): string {
  return `${iso.slice(0, 19).replace("T", " ")} UTC`;
}

/** A number with its thousands apart. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** A number of things, by the word for one. */
export function counted(value: number, one: string): string {
  return `${count(value)} ${one}${value === 1 ? "" : "s"}`;
}

/** Outcomes in words, each with a sign that tells it without its colour. */
export const outcomes: Readonly<Record<Outcome, { readonly sign: string; readonly words: string }>> = {
  succeeded: { sign: "✔", words: "succeeded" },
  failed: { sign: "✘", words: "failed" },
  interrupted: { sign: "◼", words: "was interrupted" },
  running: { sign: "▶", words: "is running" },
};

/** What an update was: `mode switch and restart`. */
export function occasionIn({ occasions }: Pick<UpdateReport, "occasions">): string {
  return occasions.length === 0 ? "update" : occasions.join(" and ");
}

/** The same at the beginning of a line. */
export function occasionOf(report: UpdateReport): string {
  return capital(occasionIn(report));
}

/** With a large letter at the beginning. */
export function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
