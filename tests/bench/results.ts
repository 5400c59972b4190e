/** What tests of tables share: counts to be put into one, and the cells that come out. */
import type { Count, Flow } from "../../bench/node/behaviour.ts";

/** How each kind of questions has fared, each in another way. */
export const flows: Record<Flow, Count> = {
  "new tcp": { attempts: 100, failed: 1 },
  "kept tcp": { attempts: 100, failed: 20, kept: 8, broken: 2, moved: 0 },
  "new udp": { attempts: 10, failed: 3 },
  "kept udp": { attempts: 20, failed: 4, kept: 8, broken: 1, moved: 5 },
};

/** The cells of the rows that begin so, without the first. */
export function rows(text: string, what: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.startsWith(`| ${what}`))
    .map((line) =>
      line
        .split("|")
        .slice(2, -1)
        .map((cell) => cell.trim()),
    );
}
