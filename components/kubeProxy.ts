import type * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { describeTakeOver, takeOverProblems } from "./adoption/describe.ts";
import { argsShape, checkArgs, type KubeProxyArgs } from "./args.ts";
import { type ClusterFacts, wholeFacts } from "./facts/facts.ts";
import { printable } from "./input/printable.ts";
import { formatProblems, type Problem } from "./input/problems.ts";
import { overwritingNotice } from "./kubeadm/overwriting.ts";
import { unusedSettings } from "./kubeadm/unused.ts";
import { forecast } from "./plan/forecast.ts";
import { intentOf } from "./plan/intent.ts";
import { objectsToReclaim, objectsToTakeOver, type Plain, type Plan, planOf, waitsOf } from "./plan/plan.ts";
import { formatFindings, preflight } from "./preflight/index.ts";
import { Children } from "./resources/children.ts";
import { stackName } from "./resources/identity.ts";
import {
  configHashAnnotation,
  initialToken,
  restartAnnotation,
  RestartStrategy,
  traceAnnotations,
} from "./restart/restart.ts";

/** A DaemonSet of kube-proxy, as it is in the cluster. */
export interface DaemonSetState {
  name: string;
  /** A restart gives it a new one. */
  uid: string;
  /** Image that the pods run. */
  image: string;
  /** kubeadm's hash of the configuration that the pods run with. */
  configHash: string;
  /** The restart token. */
  restart: string;
  /** Who restarted it last, or made it: `user@host`, or the URL of a CI run. */
  restartedBy: string;
  /** When, ISO 8601. */
  restartedAt: string;
}

/**
 * A kubeadm cluster's kube-proxy: the ServiceAccount, RBAC, ConfigMap and DaemonSet that `kubeadm init` makes, with
 * kubeadm's own names, in kube-system.
 *
 * A new `restart` token *replaces* the DaemonSet: it is deleted, created again, and awaited until every pod is new and
 * ready. `restartStrategy` says whether the pods follow node by node or all at once. Everything else that changes is an
 * ordinary rollout in place. With `pools` there is one DaemonSet for each, and all of this goes from pool to pool.
 *
 * The provider should have `enableConfigMapMutable: true`; without it a changed configuration replaces the ConfigMap. And
 * `enablePatchForce: true`; without it a field that kubeadm or kubectl has written to is a conflict.
 *
 * Mistakes in the arguments end the program with all of them named, before any resource is registered.
 */
export class KubeProxy extends pulumi.ComponentResource {
  /** The DaemonSets, in the order in which they are restarted. */
  readonly daemonSets: pulumi.Output<DaemonSetState[]>;
  /** The restart token in force. */
  readonly restart: pulumi.Output<string>;

  constructor(name: string, args: KubeProxyArgs, opts?: pulumi.ComponentResourceOptions) {
    // Access to the cluster makes no object: a kubeconfig that is a secret must not make all of them secret.
    const {
      cluster,
      snapshotFolder,
      verify,
      facts,
      hold,
      adopt = false,
      owner = stackName(),
      ...settings
    } = args;
    super("kube-proxy:index:KubeProxy", name, settings, opts);

    // Everything comes from this one output, so that a mistake in the arguments keeps every child from being registered.
    const all = pulumi.output(settings);
    const plan = pulumi
      .all([all, pulumi.isSecret(all)])
      .apply(([plain, secret]) => this.#plan(plain, args, { owner, secret }));
    const known = withWholeFacts(args);
    const taken = adopt
      ? [...objectsToTakeOver(known.facts, owner), ...objectsToReclaim(known, owner)]
      : [];
    const sets = new Children(this, name, known, taken).declare(plan);
    this.daemonSets = pulumi.output(sets.map(stateOf));
    this.restart = pulumi.output(args.restart ?? initialToken);
    // Where the plan is refused before anybody has looked at it, Node.js warns of whoever looks later, such as an export.
    this.daemonSets.apply(() => undefined);
    this.registerOutputs({ daemonSets: this.daemonSets, restart: this.restart });
  }

  /** Checks the arguments, makes objects of them, and tells what happens to the pods. */
  #plan(plain: Plain, args: KubeProxyArgs, { owner, secret }: { owner: string; secret: boolean }): Plan {
    const { adopt = false } = args;
    this.#refuse(checkArgs(argsShape, { ...plain, adopt }, args.facts), ofArguments);
    const plan = planOf(plain, wholeFacts(args.facts), {
      ...{ owner, adopt },
      // A preview may be somebody else's than the update, and an object whose values are not all known is not tried out on
      // the API server, where one that a restart replaces is still in its place.
      ...(pulumi.runtime.isDryRun() && { trace: { by: unknown, at: unknown } }),
    });
    if (plan.takeOver !== undefined) {
      this.#refuse(takeOverProblems(plan.takeOver, plain), (problems) =>
        formatProblems("the kube-proxy that is to be taken over; nothing was changed", problems),
      );
      void pulumi.log.info(describeTakeOver(plan.takeOver), this);
    }
    if (plan.reclaimed.length > 0) {
      this.#say("info", [
        `${plan.reclaimed.join(", ")}: this stack's own, of which its state may know nothing; taken back as they are.`,
      ]);
    }
    this.#say("warn", unusedSettings(plain));
    if (args.facts !== undefined) {
      this.#foretell(plain, plan, args, args.facts, secret);
    }
    if (plain.running === false) {
      this.#say("warn", [
        "running is false: after this update no node has a kube-proxy. The rules it made stay in the nodes' kernels: " +
          "Services answer as they did, until their endpoints change or a node restarts.",
      ]);
    }
    const notice =
      args.facts?.clusterConfiguration &&
      overwritingNotice(args.facts.clusterConfiguration, whatKubeadmDoes(plan));
    if (notice) {
      this.#say(notice.level, [notice.line]);
    }
    return plan;
  }

  /** Checks the cluster, and tells what the update does there. */
  #foretell(plain: Plain, plan: Plan, args: KubeProxyArgs, facts: ClusterFacts, secret: boolean): void {
    const { hold = [], running = true, verify = true, ignorePreflightErrors = {} } = args;
    const { waves, takeOver, reclaimed } = plan;
    const restartsNodes = args.restartNodes !== undefined;
    const preview = pulumi.runtime.isDryRun();
    const wish = {
      settings: plain,
      waves,
      ...{ takeOver, reclaimed },
      held: hold,
      running,
      verify,
      restartsNodes,
      secret,
      preview,
    };
    const intent = intentOf(wish, facts);
    const found = preflight(facts, intent, ignorePreflightErrors);
    this.#say("info", found.lines);
    this.#say("warn", found.warnings);
    this.#refuse(found.problems, formatFindings);
    if (running && wholeFacts(facts) !== undefined) {
      const strategy = plain.restartStrategy ?? RestartStrategy.Rolling;
      const waits = waitsOf(withWholeFacts(args));
      const confirmed = plain.confirmModeSwitch;
      const told = forecast(intent, { strategy, waves, held: hold, waits, confirmed }, facts);
      this.#refuse(told.problems, ofArguments);
      this.#say("info", told.lines);
      this.#say("warn", told.warnings);
    }
  }

  #refuse(problems: readonly Problem[], format: (problems: readonly Problem[]) => string): void {
    if (problems.length > 0) {
      // Pulumi puts "error serializing property ..." in front, so the list starts on a line of its own.
      throw new pulumi.ResourceError(`\n${format(problems)}`, this, true);
    }
  }

  #say(level: "info" | "warn", lines: readonly string[]): void {
    for (const line of lines) {
      void pulumi.log[level](printable(line), this);
    }
  }
}

/** How a value that only the update will know is told to the engine, where it is a part of an object that is known. */
const unknown = pulumi.runtime.unknownValue;

function ofArguments(problems: readonly Problem[]): string {
  return formatProblems("the arguments of KubeProxy; nothing was changed", problems);
}

/** Without facts where one is missing that decides which resources there are: better none than a part of them. */
function withWholeFacts(args: KubeProxyArgs): KubeProxyArgs {
  const { facts, ...others } = args;
  return wholeFacts(facts) === undefined ? others : args;
}

/** What a kubeadm that minds kube-proxy does to this one. */
function whatKubeadmDoes({ waves: [{ pool }] }: Plan): string {
  return pool === undefined
    ? "overwrites kube-proxy"
    : "makes a DaemonSet kube-proxy beside those of the pools";
}

function stateOf({ metadata }: kubernetes.apps.v1.DaemonSet): pulumi.Output<DaemonSetState> {
  return metadata.apply(({ name, uid, annotations }) => ({
    name,
    uid,
    image: annotations[traceAnnotations.image] ?? "",
    configHash: annotations[configHashAnnotation] ?? "",
    restart: annotations[restartAnnotation] ?? "",
    restartedBy: annotations[traceAnnotations.by] ?? "",
    restartedAt: annotations[traceAnnotations.at] ?? "",
  }));
}
