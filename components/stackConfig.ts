import * as pulumi from "@pulumi/pulumi";
import { allConfig } from "@pulumi/pulumi/runtime/config.js";
import * as v from "valibot";
import { argsShape } from "./args.ts";
import { checkKubeconfig } from "./cluster/kubeconfig.ts";
import type { Yaml } from "./configuration/goYaml.ts";
import { isEmpty } from "./configuration/values.ts";
import { checkSettings } from "./kubeadm/settings.ts";
import type { ClusterAccess } from "./commands.ts";
import type { KubeProxyArgs } from "./kubeProxy.ts";
import { formatProblems, type Problem } from "./problems.ts";
import { mapping, optional, text } from "./schema.ts";

/** A stack's config: the component's arguments, and which cluster they are for. */
export interface StackConfig {
  /** Arguments of KubeProxy. */
  args: KubeProxyArgs;
  /** The choice of a cluster, for the Kubernetes provider and the component's commands. */
  cluster: ClusterAccess;
}

/** Every key of the stack's config and what it accepts; `Pulumi.yaml` declares the same ones. */
export const stackConfigShape = {
  ...argsShape,
  snapshotFolder: optional(text("the path of a folder")),
  verify: optional(v.boolean("true or false")),
  kubeconfig: optional(text("a kubeconfig's path or content")),
  context: optional(text("the name of a context in the kubeconfig")),
};

/** Keys whose values are not texts; Pulumi hands these to the program as JSON. */
const structured = [
  "imagePullSecrets",
  "featureGates",
  "configuration",
  "nodeSelector",
  "tolerations",
  "resources",
  "updateStrategy",
  "env",
  "timeouts",
  "verify",
];

/** Keys that an empty value does not unset: required ones, and ones with a default that is not empty. */
const neverEmpty = [
  "kubernetesVersion",
  "controlPlaneEndpoint",
  "restart",
  "restartStrategy",
  "clusterRole",
  "verify",
];

/**
 * Reads the stack's config. Secret values stay Pulumi secrets.
 *
 * @throws RunError, which Pulumi prints without a stack trace, naming every unknown key, every value that is not
 * accepted, and a kubeconfig or context that does not exist
 */
export function readStackConfig(): StackConfig {
  const prefix = `${pulumi.getProject()}:`;
  const config = Object.fromEntries(
    Object.entries(allConfig())
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]): [string, unknown] => {
        const key = name.slice(prefix.length);
        return [key, structured.includes(key) ? parseJson(value) : value];
      })
      .filter(([key, value]) => neverEmpty.includes(key) || !isEmpty(value as Yaml)),
  );
  const secrets = secretKeys();
  const isSecret = (key: string) => secrets.includes(prefix + key);
  const problems = checkSettings(mapping(stackConfigShape), config);
  const { kubeconfig, context, ...args } = config as Record<string, unknown> & {
    kubeconfig?: string;
    context?: string;
  };
  problems.push(
    ...checkKubeconfig({ ...(kubeconfig && { kubeconfig }), ...(context && { context }) }, process.env),
  );
  if (problems.length > 0) {
    throw new pulumi.RunError(
      formatProblems(
        "the stack's config; nothing was changed",
        problems.map((p) => redact(p, isSecret)),
      ),
    );
  }
  const keep = (values: object) =>
    Object.fromEntries(
      Object.entries(values).map(([key, value]) => [
        key,
        isSecret(key) ? pulumi.secret<unknown>(value) : value,
      ]),
    );
  return {
    args: keep(args) as unknown as KubeProxyArgs,
    cluster: keep({ ...(kubeconfig && { kubeconfig }), ...(context && { context }) }),
  };
}

/** The language host names the secret keys in the environment; the Node.js SDK has no other way to ask. */
function secretKeys(): string[] {
  return JSON.parse(process.env["PULUMI_CONFIG_SECRET_KEYS"] ?? "[]") as string[];
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    // Left as a text, which the key's schema refuses with what it accepts.
    return value;
  }
}

/** A problem without its value when the value is a secret. */
function redact(problem: Problem, isSecret: (key: string) => boolean): Problem {
  const { path, value, accepted } = problem;
  const key = path.split(/[.[]/)[0] ?? path;
  return value !== undefined && isSecret(key)
    ? { path, accepted: `the secret value is not accepted; accepted: ${accepted}` }
    : problem;
}
