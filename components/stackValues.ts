/** Pure: the keys of a stack's config, and their values as they are written. */
import * as v from "valibot";
import { argsShape } from "./args.ts";
import type { Yaml } from "./configuration/goYaml.ts";
import { isEmpty } from "./configuration/values.ts";
import { optional, text } from "./input/schema.ts";

/** What `pause` may be, for an error. */
export const pauseAccepted = "after how many pools to pause, fewer than there are; 0 for no pause";

/** Every key of the stack's config and what it accepts; `Pulumi.yaml` declares the same ones. */
export const stackConfigShape = {
  ...argsShape,
  pause: optional(v.pipe(v.number(pauseAccepted), v.integer(pauseAccepted), v.minValue(0, pauseAccepted))),
  snapshotFolder: optional(text("the path of a folder")),
  report: optional(v.boolean("true or false")),
  verify: optional(v.boolean("true or false")),
  kubeconfig: optional(text("a kubeconfig's path or content")),
  context: optional(text("the name of a context in the kubeconfig")),
};

/** Keys whose values are not texts; Pulumi hands these to the program as JSON. */
const structured = [
  "adopt",
  "configHistory",
  "hardened",
  "immutableConfig",
  "imagePullSecrets",
  "featureGates",
  "configuration",
  "nodeSelector",
  "tolerations",
  "resources",
  "updateStrategy",
  "env",
  "extraArgs",
  "metadata",
  "podMetadata",
  "excludeNodes",
  "hostAliases",
  "volumes",
  "volumeMounts",
  "livenessProbe",
  "modeSwitch",
  "readinessProbe",
  "startupProbe",
  "pools",
  "pause",
  "prePull",
  "report",
  "restartNodes",
  "running",
  "timeouts",
  "verify",
  "ignorePreflightErrors",
];

/** Keys that an empty value does not unset: those with a default that is not empty. */
const neverEmpty = [
  "configHistory",
  "restart",
  "restartStrategy",
  "clusterRole",
  "running",
  "snapshotIn",
  "verify",
];

/**
 * The values of a stack's config by their keys, without those that are not set.
 *
 * @param entries - keys without the project's name, each with its value as Pulumi hands it over: a text
 */
export function valuesOf(
  entries: readonly (readonly [key: string, value: string])[],
): Record<string, unknown> {
  return Object.fromEntries(
    entries
      .map(([key, value]): [string, unknown] => [key, structured.includes(key) ? parseJson(value) : value])
      .filter(([key, value]) => neverEmpty.includes(key) || !isEmpty(value as Yaml)),
  );
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    // Left as a text, which the key's schema refuses with what it accepts.
    return value;
  }
}
