import fc from "fast-check";
import { minors } from "./build.ts";
import { configurations } from "./generate.ts";
import { judge, type Verdict } from "./judge.ts";

/** A generated configuration and what each judged minor's kube-proxy makes of it. */
export interface Judged {
  readonly configuration: string;
  /** One letter a minor, oldest first: `a`ccepted, `s`trict decoding has complaints, `r`efused. */
  readonly verdicts: string;
}

/** Some generated configurations with the verdict of every judge, for tests that have no Go at hand. */
export async function recordVerdicts(
  judges: readonly string[],
  count: number,
  seed: number,
): Promise<Judged[]> {
  const texts = fc.sample(configurations(minors.at(-1) ?? 0), { numRuns: count, seed });
  const verdicts: Verdict[][] = [];
  for (const path of judges) {
    verdicts.push(await judge(path, texts));
  }
  return texts.map((configuration, i) => ({
    configuration,
    verdicts: verdicts.map((ofMinor) => letter(ofMinor[i] ?? {})).join(""),
  }));
}

function letter({ fatal, invalid, strict }: Verdict): string {
  return fatal !== undefined || invalid !== undefined ? "r" : strict !== undefined ? "s" : "a";
}
