/** What comes in over gRPC: values that may be outputs, secret, or not known yet. */
import * as pulumi from "@pulumi/pulumi";
import { isKnown } from "../components/resources/known.ts";

/** A component's inputs, looked at. */
export interface Inputs {
  /** The values that are known, as they are. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Keys of values that are secret, or have a secret in them. */
  readonly secret: ReadonlySet<string>;
  /** Keys of values that only the update will know; in a preview alone. */
  readonly unknown: ReadonlySet<string>;
}

/** Looks at inputs as Pulumi's provider server hands them over. */
export async function lookAt(inputs: pulumi.Inputs): Promise<Inputs> {
  const given = Object.entries(inputs).filter(([, input]) => input !== undefined && input !== null);
  const all = await Promise.all(
    given.map(async ([key, input]) => {
      const output: pulumi.Output<unknown> = pulumi.output(input as string);
      const [secret, known] = await Promise.all([pulumi.isSecret(output), isKnown(output)]);
      const value: unknown = known ? await new Promise((resolve) => output.apply(resolve)) : undefined;
      return { key, secret, known, value };
    }),
  );
  const known = all.filter((one) => one.known);
  return {
    values: Object.fromEntries(known.map(({ key, value }) => [key, value])),
    secret: new Set(all.filter((one) => one.secret).map(({ key }) => key)),
    unknown: new Set(all.filter((one) => !one.known).map(({ key }) => key)),
  };
}
