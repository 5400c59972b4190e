import * as pulumi from "@pulumi/pulumi";
import { type Problem, told } from "../components/input/problems.ts";

/** All mistakes in the arguments as the one structured error that Pulumi has for them, each with its property. */
export class Mistakes extends pulumi.InputPropertiesError {
  constructor(problems: readonly Problem[]) {
    // Pulumi itself shows the value.
    const errors = told(problems).map(({ path, value, accepted }) => ({
      propertyPath: path,
      reason: value === undefined ? accepted : `it is not accepted; accepted: ${accepted}`,
    }));
    const heading = `${String(problems.length)} ${problems.length === 1 ? "problem" : "problems"} in the arguments of KubeProxy; nothing was changed`;
    super({ message: `${heading}${otherSpellings(problems)}`, errors });
  }
}

/** How Python and Go spell the properties; Pulumi tells each language the one of the schema. */
function otherSpellings(problems: readonly Problem[]): string {
  const names = new Set(problems.map(({ path }) => path.split(/[.[ ]/)[0] ?? path));
  const python = [...names].filter((name) => /[A-Z]/.test(name)).map(snake);
  const go = [...names].map((name) => name.charAt(0).toUpperCase() + name.slice(1));
  return ` (in Python: ${python.length === 0 ? "as here" : python.join(", ")}; in Go: ${go.join(", ")})`;
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
