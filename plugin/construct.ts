/** The component as every Pulumi language makes it: it asks the cluster itself, and makes its own provider. */
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { ClusterAccess, KubeProxyArgs } from "../components/args.ts";
import { checkForProvider, checkKubeconfig, isContent } from "../components/cluster/kubeconfig.ts";
import { completeArgs, redact } from "../components/completeArgs.ts";
import { askFacts, type ClusterChoice, choiceOf, poolNamesOf } from "../components/facts/ask.ts";
import { describeSettings } from "../components/facts/clusterSettings.ts";
import { type ClusterFacts, wholeFacts } from "../components/facts/facts.ts";
import { rareTasksOf } from "../components/facts/rareTasks.ts";
import { readingCluster, unreadProblems } from "../components/facts/unread.ts";
import { formatProblems, type Problem } from "../components/input/problems.ts";
import { mapping, optional } from "../components/input/schema.ts";
import { KubeProxy } from "../components/kubeProxy.ts";
import { heldPools, type Plain } from "../components/plan/plan.ts";
import { recordIdentity } from "../components/resources/identity.ts";
import { promiseOf } from "../components/resources/known.ts";
import { stackConfigShape } from "../components/stackValues.ts";
import { ownCommand } from "./command.ts";
import { type Inputs, lookAt } from "./inputs.ts";
import { Mistakes } from "./mistakes.ts";
import { committedSchema, plainInputs } from "./schemaFile.ts";

const { kubeconfig, context, ...others } = stackConfigShape;

/** Every argument and what it accepts: those of a stack's config, with the choice of the cluster in one. */
const shape = { ...others, cluster: optional(mapping({ kubeconfig, context })) };

/** The values that are arguments of KubeProxy. */
type Own = Plain & Pick<KubeProxyArgs, "snapshotIn">;

/** What means nothing in a preview as long as nothing is known of the cluster. */
const ofTheCluster = ["adopt", "clusterId", "immutableConfig", "report"];

/**
 * Makes the component.
 *
 * @param inputs - as Pulumi's provider server hands them over
 * @throws Mistakes, with every mistake in the arguments; before any resource is registered
 * @throws RunError where the cluster cannot be read, or refuses what is to be done
 */
export async function construct(
  name: string,
  inputs: pulumi.Inputs,
  options: pulumi.ComponentResourceOptions,
): Promise<KubeProxy> {
  const given = await lookAt(inputs);
  refuse([...checkOptions(options, inputs), ...checkPlain(given)]);
  const make = given.unknown.size > 0 ? makeUnknown : makeKnown;
  const component = await make(name, inputs, given, options);
  await planned(component);
  return component;
}

/** @throws RunError with why the component's resources could not be made, as it was said first */
async function planned({ daemonSets }: KubeProxy): Promise<void> {
  try {
    await promiseOf(daemonSets);
  } catch (error) {
    // Each property that an error passes through puts this before its message.
    const { message } = error as Error;
    throw new pulumi.RunError(message.replace(/^(error serializing property "[^"]*": )+/, ""));
  }
}

/** With what the cluster says. */
async function makeKnown(
  name: string,
  inputs: pulumi.Inputs,
  { values, secret }: Inputs,
  options: pulumi.ComponentResourceOptions,
): Promise<KubeProxy> {
  const all = values as unknown as Own & { cluster?: ClusterChoice; pause?: number };
  const { cluster: chosen = {}, pause, ...own } = all;
  const access = choiceOf({ kubeconfig: chosen.kubeconfig, context: chosen.context });
  const unusable = checkKubeconfig(access, process.env);
  const elsewhere = unusable.length > 0 ? unusable : checkForProvider(access);
  const { facts, unread } = elsewhere.length > 0 ? {} : await ask(access, own);
  const where = "the arguments";
  const { plain, cluster, problems } = completeArgs({ all, own, shape, where }, facts);
  refuse([
    ...problems.map((problem) => redact(problem, (key) => secret.has(key))),
    ...elsewhere.map(ofCluster),
  ]);
  if (facts === undefined || cluster === undefined) throw new pulumi.RunError(unread ?? "");
  const hold = heldPools(plain, pause ?? 0, facts);
  const said = describeSettings(cluster, own, (key) => secret.has(key));
  const { cluster: _, pause: __, ...settings } = inputs;
  const args = {
    ...cluster.settings,
    ...settings,
    facts,
    ...(hold.length > 0 && { hold }),
    ...(said !== undefined && { remarks: [said] }),
  } as KubeProxyArgs;
  const below = parentOf(options);
  const { cluster: id, owner, record } = await recordIdentity(`${name}-cluster`, facts, below, ownCommand);
  // The context by which the facts were read: nobody goes by the current one a second time.
  const found = { ...access, ...(facts.context !== undefined && { context: facts.context }) };
  const reached = { ...accessOf(found, secret.has("cluster")), id };
  const provider = providerOf(name, reached, { ...below, dependsOn: [record] });
  return new KubeProxy(name, { ...args, owner, cluster: reached }, { ...options, provider }, ownCommand);
}

/** In a preview where something is only known during the update: what can be said without the cluster. */
async function makeUnknown(
  name: string,
  inputs: pulumi.Inputs,
  { unknown }: Inputs,
  options: pulumi.ComponentResourceOptions,
): Promise<KubeProxy> {
  await pulumi.log.info(
    `${[...unknown].join(", ")}: only the update will know; what the cluster says, and what is refused or changed there, this ` +
      "preview cannot tell. The update checks all of it before it touches anything.",
  );
  const { cluster, pause: _, ...settings } = inputs;
  const others = Object.entries(settings).filter(([key]) => !ofTheCluster.includes(key));
  // Unknown as they are, so that there is no plan.
  const later = pulumi.all([...unknown].map((key) => inputs[key] as unknown)).apply(() => "");
  const args = { kubernetesVersion: later, controlPlaneEndpoint: later, ...Object.fromEntries(others) };
  const below = parentOf(options);
  const id = pulumi.runtime.unknownValue;
  const ignoreChanges = ["environment"];
  const record = ownCommand(`${name}-cluster`, { environment: { id } }, { ...below, ignoreChanges });
  const access = pulumi.output(cluster as pulumi.Input<ClusterChoice> | undefined);
  const reached = {
    kubeconfig: pulumi.secret(access.apply((all) => all?.kubeconfig as string)),
    context: pulumi.secret(access.apply((all) => all?.context as string)),
    id,
  };
  const provider = providerOf(name, reached, { ...below, dependsOn: [record] });
  return new KubeProxy(name, { ...args, cluster: reached }, { ...options, provider }, ownCommand);
}

function providerOf(
  name: string,
  { id, ...access }: ClusterAccess,
  options: pulumi.CustomResourceOptions,
): kubernetes.Provider {
  return new kubernetes.Provider(
    `${name}-cluster`,
    {
      ...access,
      // With this, an edited kubeconfig or a renamed context does not replace everything.
      ...(id !== undefined && { clusterIdentifier: id }),
      enableConfigMapMutable: true,
      enablePatchForce: true,
    },
    { ...options, ignoreChanges: ["clusterIdentifier"] },
  );
}

function parentOf({ parent }: pulumi.ComponentResourceOptions): pulumi.CustomResourceOptions {
  return parent === undefined ? {} : { parent };
}

/** What the cluster says, or why it does not. */
interface Answer {
  readonly facts?: ClusterFacts;
  readonly unread?: string;
}

async function ask(access: ClusterChoice, own: Own): Promise<Answer> {
  const { pools, immutableConfig, snapshotIn } = own;
  const tasks = rareTasksOf(immutableConfig === true, snapshotIn);
  try {
    const facts = await askFacts(access, poolNamesOf(pools), undefined, tasks);
    return wholeFacts(facts) === undefined
      ? { unread: formatProblems(readingCluster, unreadProblems(facts)) }
      : { facts };
  } catch (error) {
    return { unread: `${(error as Error).message}; nothing was changed` };
  }
}

/** What a kubeconfig holds is a secret, also where nobody has said so: the state of a program that makes a cluster has it. */
function accessOf({ kubeconfig, context }: ClusterChoice, isMarked: boolean): ClusterAccess {
  const isSecret = isMarked || isContent(kubeconfig ?? "");
  const mark = (value: string): pulumi.Input<string> => (isSecret ? pulumi.secret(value) : value);
  return {
    ...(kubeconfig !== undefined && { kubeconfig: mark(kubeconfig) }),
    ...(context !== undefined && { context: mark(context) }),
  };
}

/** Values that decide which resources there are, how long to wait for them, or what is refused. */
function checkPlain({ secret, unknown }: Inputs): Problem[] {
  return plainInputs(committedSchema())
    .filter((path) => secret.has(path) || unknown.has(path))
    .map((path) => ({
      path,
      accepted: "a value that is known in a preview and no secret: it decides what is done or refused",
    }));
}

/** Whoever gives a Kubernetes provider means its cluster, of which nobody can ask it. */
function checkOptions({ providers = {} }: pulumi.ComponentResourceOptions, inputs: pulumi.Inputs): Problem[] {
  const accepted =
    "is required where a Kubernetes provider is given: which cluster that is; the component makes its own provider for it";
  return "kubernetes" in providers && inputs["cluster"] === undefined ? [{ path: "cluster", accepted }] : [];
}

function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new Mistakes(problems);
}

function ofCluster({ path, ...problem }: Problem): Problem {
  return { ...problem, path: `cluster.${path}` };
}
