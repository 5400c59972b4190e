import type * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { describeTakeOver, takeOverProblems } from "./adoption/describe.ts";
import { argsShape, checkArgs, type KubeProxyArgs, needingFacts } from "./args.ts";
import { type ClusterFacts, wholeFacts } from "./facts/facts.ts";
import { readingCluster, unreadProblems } from "./facts/unread.ts";
import { printable, printableLines } from "./input/printable.ts";
import { formatProblems, type Problem } from "./input/problems.ts";
import { overwritingNotice } from "./kubeadm/overwriting.ts";
import { unusedSettings } from "./kubeadm/unused.ts";
import { expectedOf } from "./plan/expected.ts";
import { forecast } from "./plan/forecast.ts";
import { pinNotice } from "./plan/immutable.ts";
import { intentOf } from "./plan/intent.ts";
import { objectsToReclaim, objectsToTakeOver, type Plain, type Plan, planOf, waitsOf } from "./plan/plan.ts";
import { isSettled } from "./plan/settled.ts";
import { formatFindings, preflight } from "./preflight/index.ts";
import { Children } from "./resources/children.ts";
import { localCommand } from "./resources/command.ts";
import { stackName } from "./resources/identity.ts";
import { Recording } from "./resources/recording.ts";
import { Refusal } from "./resources/refusal.ts";
import {
  configHashAnnotation,
  initialToken,
  restartAnnotation,
  RestartStrategy,
  traceAnnotations,
} from "./restart/restart.ts";

/** A DaemonSet of kube-proxy, as it is in the cluster. */
export interface DaemonSetState {
  /** `kube-proxy`, or that with the pool's name. */
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

  /** @param make - makes the resources of its commands; the package for other languages has its own */
  constructor(
    name: string,
    args: KubeProxyArgs,
    opts?: pulumi.ComponentResourceOptions,
    make = localCommand,
  ) {
    // Access to the cluster makes no object: a kubeconfig that is a secret must not make all of them secret.
    const {
      cluster,
      snapshotFolder,
      report = false,
      verify,
      facts,
      hold,
      remarks,
      adopt = false,
      owner = stackName(),
      ...settings
    } = args;
    super("kube-proxy:index:KubeProxy", name, settings, opts);
    const isRecorded = report && cluster !== undefined && !pulumi.runtime.isDryRun();
    const recording = isRecorded ? new Recording(this, name, { cluster, folder: snapshotFolder }) : undefined;

    // Everything comes from this one output, so that a mistake in the arguments keeps every child from being registered.
    const all = pulumi.output(settings);
    const plan = pulumi
      .all([all, pulumi.isSecret(all)])
      .apply(([plain, secret]) => this.#plan(plain, args, { owner, secret, recording }));
    const known = withWholeFacts(args);
    const taken = adopt ? [...objectsToTakeOver(known.facts, owner), ...objectsToReclaim(known, owner)] : [];
    const sets = new Children(this, name, known, { taken, recording, make }).declare(plan);
    this.daemonSets = pulumi.output(sets.map(stateOf));
    this.restart = pulumi.output(args.restart ?? initialToken);
    // Where the plan is refused before anybody has looked at it, Node.js warns of whoever looks later, such as an export.
    this.daemonSets.apply(() => undefined);
    this.registerOutputs({ daemonSets: this.daemonSets, restart: this.restart });
  }

  /** Checks the arguments, makes objects of them, and tells what happens to the pods. */
  #plan(plain: Plain, args: KubeProxyArgs, update: Update): Plan {
    const { owner } = update;
    const { adopt = false, facts, hold: held = [], remarks = [], running = true } = args;
    this.#refuse(
      ...ofArguments([...checkArgs(argsShape, { ...plain, adopt }, facts), ...withoutFacts(args)]),
      ...unreadOf(args),
    );
    const whole = wholeFacts(facts);
    const plan = planOf(plain, whole, {
      ...{ owner, adopt, held },
      // A preview may be somebody else's than the update, and an object whose values are not all known is not tried out on
      // the API server, where one that a restart replaces is still in its place.
      ...(pulumi.runtime.isDryRun() && { trace: { by: unknown, at: unknown } }),
    });
    const { takeOver } = plan;
    // Whoever looks every day has read it when something changed.
    const isQuiet = whole !== undefined && isSettled(plan, { held, running }, whole);
    for (const remark of isQuiet ? [] : remarks) {
      void pulumi.log.info(printableLines(remark.split("\n")), this);
    }
    if (takeOver !== undefined) {
      this.#refuse(...told(ofTakeOver, takeOverProblems(takeOver, plain)));
      void pulumi.log.info(describeTakeOver(takeOver), this);
    }
    if (plan.reclaimed.length > 0) {
      this.#say("info", [
        `${plan.reclaimed.join(", ")}: this stack's own, of which its state may know nothing; taken back as they are.`,
      ]);
    }
    this.#say("warn", unusedSettings(plain));
    const pin = pinNotice(plain, plan.objects.configMap);
    if (pin !== undefined && !isQuiet) this.#say("info", [pin]);
    if (facts !== undefined) {
      this.#foretell(plain, plan, args, facts, update);
    }
    if (!running) {
      this.#say("warn", [
        "running is false: after this update no node has a kube-proxy. The rules it made stay in the nodes' kernels: " +
          "Services answer as they did, until their endpoints change or a node restarts.",
      ]);
    }
    const notice =
      facts?.clusterConfiguration && overwritingNotice(facts.clusterConfiguration, whatKubeadmDoes(plan));
    if (notice && !isQuiet) {
      this.#say(notice.level, [notice.line]);
    }
    return plan;
  }

  /** Checks the cluster, and tells what the update does there. */
  #foretell(
    plain: Plain,
    plan: Plan,
    args: KubeProxyArgs,
    facts: ClusterFacts,
    { secret, recording }: Update,
  ): void {
    const { hold = [], prePull = false, running = true, verify = true, ignorePreflightErrors = {} } = args;
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
      prePull,
      snapshotIn: args.snapshotIn,
      secret,
      preview,
    };
    const intent = intentOf(wish, facts);
    const found = preflight(facts, intent, ignorePreflightErrors);
    this.#say("info", found.lines);
    this.#say("warn", found.warnings);
    this.#refuse(...(found.problems.length > 0 ? [formatFindings(found.problems)] : []));
    if (running && wholeFacts(facts) !== undefined) {
      const strategy = plain.restartStrategy ?? RestartStrategy.Rolling;
      const waits = waitsOf(withWholeFacts(args));
      const confirmed = plain.confirmModeSwitch;
      const coming = forecast(intent, { strategy, waves, held: hold, waits, confirmed }, facts);
      this.#refuse(...ofArguments(coming.problems));
      const { restart: token } = plain;
      recording?.expect(() => {
        const { env } = process;
        const told = {
          lines: [...coming.lines, ...found.lines],
          warnings: [...coming.warnings, ...found.warnings],
        };
        const isAdoption = takeOver !== undefined;
        const update = {
          held: hold,
          isAdoption,
          owner: stackName(),
          token,
          strategy,
          told,
          env,
        };
        return expectedOf(intent, update, facts);
      });
      this.#say("info", coming.lines);
      this.#say("warn", coming.warnings);
    }
  }

  /** Ends the program where there is a reason to: each is a text. */
  #refuse(...reasons: readonly string[]): void {
    if (reasons.length > 0) {
      throw new Refusal(reasons.join("\n"), this);
    }
  }

  #say(level: "info" | "warn", lines: readonly string[]): void {
    for (const line of lines) {
      void pulumi.log[level](printable(line), this);
    }
  }
}

/** An update, as far as it is no argument. */
interface Update {
  readonly owner: string;
  /** Whether an argument is a secret. */
  readonly secret: boolean;
  /** Makes the report; undefined for none. */
  readonly recording: Recording | undefined;
}

/** How a value that only the update will know is told to the engine, where it is a part of an object that is known. */
const unknown = pulumi.runtime.unknownValue;

const ofTakeOver = "the kube-proxy that is to be taken over; nothing was changed";

function ofArguments(problems: readonly Problem[]): string[] {
  return told("the arguments of KubeProxy; nothing was changed", problems);
}

/** Problems as one text, where there are any. */
function told(what: string, problems: readonly Problem[]): string[] {
  return problems.length === 0 ? [] : [formatProblems(what, problems)];
}

/** Arguments that need facts of somebody who has given none. */
function withoutFacts(args: KubeProxyArgs): Problem[] {
  const accepted =
    "means something only with what the cluster says: give the component its facts, by askFacts, see docs/component.md";
  return args.facts === undefined ? needingFacts(args).map((path) => ({ path, accepted })) : [];
}

/** What keeps such arguments from being used where facts were given: the cluster has not answered all that they need. */
function unreadOf(args: KubeProxyArgs): string[] {
  const { facts } = args;
  const problems = facts && unreadProblems(facts, (fact) => needingFacts(args, fact));
  return told(readingCluster, problems ?? []);
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
