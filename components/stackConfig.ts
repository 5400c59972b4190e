import * as pulumi from "@pulumi/pulumi";
import { allConfig } from "@pulumi/pulumi/runtime/config.js";
import type { ClusterAccess, KubeProxyArgs } from "./args.ts";
import { checkForProvider, checkKubeconfig } from "./cluster/kubeconfig.ts";
import { completeArgs, redact } from "./completeArgs.ts";
import { choiceOf, type ClusterChoice } from "./facts/ask.ts";
import { describeSettings } from "./facts/clusterSettings.ts";
import { type ClusterFacts, wholeFacts } from "./facts/facts.ts";
import { readingCluster, unreadProblems } from "./facts/unread.ts";
import { plainPasswords } from "./input/passwords.ts";
import { formatProblems, type Problem } from "./input/problems.ts";
import type { Reading } from "./reading.ts";
import { heldPools, type Plain } from "./plan/plan.ts";
import { stackConfigShape, valuesOf } from "./stackValues.ts";

/** A stack's config: the component's arguments, and which cluster they are for. */
export interface StackConfig {
  /** Arguments of KubeProxy. */
  args: KubeProxyArgs;
  /** The choice of a cluster, for the Kubernetes provider and the component's commands. */
  cluster: ClusterAccess;
  /** What that cluster says. */
  facts: ClusterFacts;
}

/** Keys that decide which resources there are, how long to wait for them, or what is refused: plain values are needed. */
const neverSecret = [
  "adopt",
  "clusterId",
  "clusterRole",
  "configHash",
  "configHistory",
  "ignorePreflightErrors",
  "immutableConfig",
  "maxFailed",
  "modeSwitch",
  "pause",
  "pools",
  "prePull",
  "report",
  "restartNodes",
  "restartStrategy",
  "running",
  "snapshotIn",
  "timeouts",
  "updateStrategy",
  "verify",
];

/**
 * Reads the stack's config, and from the cluster what the stack's config leaves to it and what the preview needs. Secret
 * values stay Pulumi secrets. A cluster that does not answer ends the program: only the cluster tells which pods are as
 * they were taken over, and a guess would restart them.
 *
 * @param reading - of the cluster that the stack's config chooses
 * @throws RunError, which Pulumi prints without a stack trace, naming every unknown key, every value that is not
 * accepted, and a kubeconfig or context that does not exist
 */
export async function readStackConfig(reading: Reading): Promise<StackConfig> {
  const config = readValues();
  const { kubeconfig, context, pause = 0, ...own } = config;
  const access = choiceOf({ kubeconfig, context });
  const unusable = checkKubeconfig(access, process.env);
  const elsewhere = unusable.length > 0 ? unusable : checkForProvider(access);
  if (elsewhere.length > 0) {
    reading.abandon();
  }
  const { facts, unread = [] }: Answer =
    elsewhere.length > 0 ? {} : await reading.facts.then(known, unanswered);
  const given = { all: config, own, shape: stackConfigShape, where: "the stack's config" };
  const { plain, cluster, problems } = completeArgs(given, facts);
  refuse([...problems, ...elsewhere], unread);
  if (facts === undefined || cluster === undefined) {
    throw new Error("a cluster that cannot be asked was not refused");
  }
  const said = describeSettings(cluster, own, isSecret);
  const passwords = isSecret("env") ? undefined : plainPasswords(own.env ?? []);
  if (passwords !== undefined) {
    void pulumi.log.warn(passwords);
  }
  const hold = heldPools(plain, pause, facts);
  return {
    args: {
      ...keepSecrets(plain),
      facts,
      ...(hold.length > 0 && { hold }),
      ...(said !== undefined && { remarks: [said] }),
    },
    cluster: resolved(access, facts),
    facts,
  };
}

/**
 * The choice with the context by which the facts were read, so that nobody goes by the current one a second time. A
 * kubeconfig that is a secret has a context that is one.
 */
function resolved(access: ClusterChoice, { context }: ClusterFacts): ClusterAccess {
  const chosen = keepSecrets<ClusterAccess>(access);
  const found = isSecret("kubeconfig") ? pulumi.secret(context) : context;
  return context === undefined || access.context !== undefined
    ? chosen
    : { ...chosen, context: found as pulumi.Input<string> };
}

/** What the cluster says, or why it does not, as texts: that is no mistake in the stack's config, and told apart from those. */
interface Answer {
  readonly facts?: ClusterFacts;
  readonly unread?: readonly string[];
}

/** The facts, unless one of those that decide what an `up` does is missing: a guess could restart what nobody meant. */
function known(facts: ClusterFacts): Answer {
  return wholeFacts(facts) === undefined
    ? { unread: [formatProblems(readingCluster, unreadProblems(facts))] }
    : { facts };
}

function unanswered(error: unknown): Answer {
  return { unread: [`${error instanceof Error ? error.message : String(error)}; nothing was changed`] };
}

/** The values of this project's keys, without those that are not set. */
function readValues(): Plain & ClusterChoice & { pause?: number } {
  const prefix = `${pulumi.getProject()}:`;
  const values = Object.entries(allConfig())
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, value]) => [name.slice(prefix.length), value] as const);
  // What is not as this type says is refused before it is used.
  return valuesOf(values) as unknown as Plain;
}

/** @param unread - what else keeps the program from going on, as texts */
function refuse(problems: readonly Problem[], unread: readonly string[]): void {
  const all = [
    ...problems.map((problem) => redact(problem, isSecret)),
    ...neverSecret.filter(isSecret).map((path) => ({
      path,
      accepted: "a plain value, set without --secret: it decides what is done or refused",
    })),
  ];
  const told = all.length > 0 ? [formatProblems("the stack's config; nothing was changed", all)] : [];
  if (told.length + unread.length > 0) {
    throw new pulumi.RunError([...told, ...unread].join("\n"));
  }
}

function keepSecrets<T extends object>(values: T): T {
  const entries = Object.entries(values) as [string, unknown][];
  return Object.fromEntries(
    entries.map(([key, value]) => [key, isSecret(key) ? pulumi.secret(value) : value]),
  ) as T;
}

/** The language host names the secret keys in the environment; the Node.js SDK has no other way to ask. */
function isSecret(key: string): boolean {
  const keys = JSON.parse(process.env["PULUMI_CONFIG_SECRET_KEYS"] ?? "[]") as string[];
  return keys.includes(`${pulumi.getProject()}:${key}`);
}
