import { createHash } from "node:crypto";
import fc from "fast-check";
import { minors } from "./build.ts";
import { configurations } from "./generate.ts";
import { fixedInputs } from "./inputs.ts";
import { kubeadmObjects } from "./kubeadm.ts";
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

/** What each minor's kubeadm made of the fixed inputs; objects that are the same stand there once. */
export interface Recorded {
  readonly objects: Readonly<Record<string, object>>;
  /** By minor, such as `1.37`, and the input's name: the keys of the six objects. */
  readonly outputs: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

/** Adds a minor's outputs to what is recorded. */
export async function recordOutputs(recorded: Recorded, path: string, minor: number): Promise<Recorded> {
  const objects: Record<string, object> = {};
  const outputs: Record<string, string[]> = {};
  for (const [name, input] of Object.entries(fixedInputs(minor))) {
    const made = Object.values(await kubeadmObjects(path, input));
    outputs[name] = made.map((object) => {
      const key = createHash("sha256").update(JSON.stringify(object)).digest("hex").slice(0, 12);
      objects[key] = object;
      return key;
    });
  }
  return withoutUnused({
    objects: { ...recorded.objects, ...objects },
    outputs: { ...recorded.outputs, [`1.${minor}`]: outputs },
  });
}

function withoutUnused({ objects, outputs }: Recorded): Recorded {
  const used = new Set(Object.values(outputs).flatMap((byName) => Object.values(byName).flat()));
  const byName = new Intl.Collator("en", { numeric: true }).compare;
  return {
    objects: Object.fromEntries(Object.entries(objects).filter(([key]) => used.has(key))),
    outputs: Object.fromEntries(Object.entries(outputs).sort(([a], [b]) => byName(a, b))),
  };
}
