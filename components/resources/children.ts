import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { LiveObject } from "../adoption/live.ts";
import type { KubeProxyArgs } from "../args.ts";
import { formatBudget } from "../cluster/verify/baseline.ts";
import { printable } from "../input/printable.ts";
import type { ConfigMap } from "../kubeadm/objects.ts";
import { isDone } from "../plan/forecast.ts";
import { obstaclesOf, type Plan, poolNames, waitsOf } from "../plan/plan.ts";
import { maxFailedOf } from "../pools/budget.ts";
import { daemonSetName, type Wave } from "../pools/waves.ts";
import { initialToken, restartOptions, RestartStrategy } from "../restart/restart.ts";
import { declareAccess } from "./access.ts";
import { type CommandArgs, commandInputs, type CommandResource, type MakeCommand } from "./command.ts";
import {
  layoutCommand,
  orphansCommand,
  pullCommand,
  restartNodesCommand,
  rulesCommand,
  sealCommand,
  snapshotCommand,
  testNamespaceCommand,
  testServiceCommand,
  triggersOf,
  verifyCommand,
} from "./commands.ts";
import { changingHook, clearingHook, podsOfNodes, preparingHook } from "./hooks.ts";
import { immutableConfigs } from "./immutables.ts";
import { isKnown } from "./known.ts";
import { mutable } from "./mutable.ts";
import type { Recording } from "./recording.ts";

/** One DaemonSet with what is its own. */
interface OneWave {
  readonly wave: pulumi.Output<Wave>;
  readonly index: number;
  readonly pool: string | undefined;
  readonly hooks: pulumi.ResourceHookBinding;
  /** What brings its image onto the nodes before anything of it is changed. */
  readonly pull: readonly pulumi.Resource[];
  /** What was remembered of the nodes before the waves before. */
  readonly baselines: readonly pulumi.Output<string>[];
}

/** What children are made with beside the arguments. */
interface Making {
  /** Live objects that this run takes over. */
  readonly taken: readonly LiveObject[];
  /** Makes the report of the update; undefined for none. */
  readonly recording: Recording | undefined;
  readonly make: MakeCommand;
}

/** Declares the resources below a KubeProxy, with their options and their order. */
export class Children {
  readonly #parent: pulumi.ComponentResource;
  readonly #name: string;
  readonly #args: KubeProxyArgs;
  readonly #hooks: pulumi.ResourceHookBinding;
  /** Live objects that this run takes over. */
  readonly #taken: readonly LiveObject[];
  readonly #recording: Recording | undefined;
  readonly #make: MakeCommand;
  /** All that is declared so far, for the seal. */
  readonly #declared: pulumi.Resource[] = [];
  /** The immutable ConfigMaps: how many there are only the plan tells. Undefined where there are none. */
  #immutables: pulumi.Output<pulumi.Resource[]> | undefined;

  /** @param name - the component's, with which the children's names begin */
  constructor(
    parent: pulumi.ComponentResource,
    name: string,
    args: KubeProxyArgs,
    { taken, recording, make }: Making,
  ) {
    this.#parent = parent;
    this.#name = name;
    this.#args = args;
    this.#taken = taken;
    this.#recording = recording;
    this.#make = make;
    this.#hooks =
      args.cluster === undefined
        ? {}
        : {
            beforeCreate: [clearingHook(name, args.cluster)],
            beforeUpdate: [changingHook(name, args.cluster)],
          };
  }

  /**
   * Declares them all; the seal, which depends on all others, comes last.
   *
   * @returns the DaemonSets, in the order in which they are restarted
   */
  declare(plan: pulumi.Output<Plan>): kubernetes.apps.v1.DaemonSet[] {
    const { cluster = {}, pools = [], running = true } = this.#args;
    const triggers = plan.waves.apply((waves) => triggersOf(running ? waves : []));
    const snapshot = this.#command(
      "snapshot",
      snapshotCommand(cluster, triggers, this.#args),
      this.#recorded(),
    );
    // Without pools this is the configuration of the only wave.
    const isWaves = running && pools.length === 0;
    const first = plan.waves.apply(([wave]) => wave);
    const hooks = isWaves ? this.#switching(first) : this.#hooks;
    const access = declareAccess(this.#name, plan.objects, {
      clusterRole: this.#args.clusterRole,
      optionsOf: (kind) => ({ ...this.#options, ...this.#import(kind) }),
    });
    this.#declared.push(...access.all);
    // Of the first wave before anything else; before it is provisioned, too.
    const pull = running ? this.#pull(first, poolNames(this.#args)[0], [snapshot, ...access.needed]) : [];
    const config = this.#configMap("config-map", plan.objects.configMap, {
      ...this.#import("ConfigMap", daemonSetName(undefined)),
      dependsOn: [snapshot, ...pull],
      // Not before it is created: where it exists, another's kube-proxy does, and nothing is to be touched.
      hooks: { ...hooks, beforeCreate: this.#hooks.beforeCreate ?? [] },
    });
    this.#immutables = immutableConfigs(this.#name, plan, this.#args, (name) => ({
      ...this.#options,
      ...this.#import("ConfigMap", name),
      dependsOn: [snapshot, ...pull],
    }));
    const sets = running
      ? this.#waves(plan, { before: [...access.needed, config, snapshot], pull, hooks })
      : [];
    if (cluster.id !== undefined) {
      this.#command("seal", sealCommand(cluster), { dependsOn: this.#withImmutables(this.#declared) });
    }
    this.#recording?.ends(this.#declared);
    return sets;
  }

  /**
   * One DaemonSet after the other, each only when the one before is proved.
   *
   * @param first - what comes before all of them, and what is of the first: its pull, and its hooks when there are no pools
   */
  #waves(
    plan: pulumi.Output<Plan>,
    { before, pull, hooks }: Pick<OneWave, "pull" | "hooks"> & { readonly before: pulumi.Resource[] },
  ): kubernetes.apps.v1.DaemonSet[] {
    const { cluster = {}, facts, modeSwitch = {}, restartStrategy, restartNodes, verify = true } = this.#args;
    const helpers = (facts?.helpers ?? []).map(({ uid }) => uid);
    // Whatever depends on it is gone first when the stack is destroyed: then there is no kube-proxy, and all rules stay.
    const rules = this.#command("rules", rulesCommand(cluster, plan.waves, modeSwitch, helpers), {
      dependsOn: before,
      replaceOnChanges: ["stdin"],
      // Once they are gone, that is nothing to run again for.
      ignoreChanges: helpers.length === 0 ? ["triggers"] : [],
    });
    const obstacles = obstaclesOf(this.#args);
    const layout = this.#command("layout", layoutCommand(cluster, plan.waves, obstacles), {
      dependsOn: before,
      // Once they are gone, that is nothing to run again for.
      ignoreChanges: obstacles.length === 0 ? ["triggers"] : [],
    });
    // A Rolling DaemonSet leaves its pods behind when it is deleted: so that the new one finds them after a restart, and
    // for this command to remove after a destroy, which deletes what depends on it first.
    const orphans =
      restartStrategy === RestartStrategy.Recreate
        ? []
        : [this.#command("orphans", orphansCommand(cluster, plan.waves), { dependsOn: [rules] })];

    const namespace =
      verify || restartNodes !== undefined
        ? [this.#command("test-namespace", testNamespaceCommand(cluster, plan.waves))]
        : [];

    const sets: kubernetes.apps.v1.DaemonSet[] = [];
    let proved: pulumi.Resource[] = [...before, rules, layout, ...orphans, ...namespace];
    const baselines: pulumi.Output<string>[] = [];
    for (const [index, pool] of poolNames(this.#args).entries()) {
      const wave = plan.waves.apply((waves) => waves[index] ?? waves[0]);
      const own = pool === undefined ? hooks : this.#switching(wave, pool);
      const pulled = index === 0 ? pull : this.#pull(wave, pool, proved);
      const one = { wave, index, pool, hooks: own, pull: pulled, baselines };
      const { set, proof, baseline } = this.#wave(one, proved);
      sets.push(this.#noted(set));
      baselines.push(...baseline);
      proved = [proof];
    }
    if (restartNodes !== undefined) {
      const { nodes, token = initialToken } = restartNodes;
      const restart = restartNodesCommand(cluster, nodes, token, this.#deadline);
      void this.#foretell(
        this.#command("restart-nodes", restart, { ...this.#recording?.ofNodes(), dependsOn: proved }),
        nodes,
      );
    }
    return sets;
  }

  /** Names in a preview the pods that a restart of some nodes deletes, where there is going to be one. */
  async #foretell({ stdout }: CommandResource, nodes: readonly string[]): Promise<void> {
    // Where the plan is refused there is nothing to tell.
    if (!pulumi.runtime.isDryRun() || (await isKnown(stdout).catch(() => true))) return;
    const line = await podsOfNodes(this.#args.cluster ?? {}, nodes).catch(String);
    if (line !== undefined) void pulumi.log.info(printable(line), this.#parent);
  }

  #wave(
    { wave, index, pool, hooks, pull, baselines }: OneWave,
    proved: pulumi.Resource[],
  ): {
    set: kubernetes.apps.v1.DaemonSet;
    proof: pulumi.Resource;
    baseline: pulumi.Output<string>[];
  } {
    const { cluster = {}, facts, snapshotFolder, timeouts = {}, verify = true } = this.#args;
    const prefix = prefixOf(pool);
    const before = [...proved, ...pull];
    const keep = (...keys: string[]) => this.#keep(pool, keys);
    const config =
      pool === undefined
        ? []
        : [
            this.#configMap(`${prefix}config-map`, wave.configMap, {
              ...this.#import("ConfigMap", daemonSetName(pool)),
              dependsOn: before,
              ignoreChanges: keep("metadata", "data"),
              hooks,
            }),
          ];
    const triggers = wave.apply((one) => triggersOf([one]));
    // What is handed from one to the next decides nothing by itself: whoever is run anew takes it as it is then.
    const keepCommand = keep(...commandInputs);
    const recorded = this.#recorded(pool, wave);
    // A restart may break what was there and work for what comes later.
    const testService = verify
      ? [
          this.#command(
            `${prefix}test-service`,
            testServiceCommand(cluster, { triggers, wave }, [...baselines]),
            { ...recorded, dependsOn: [...before, ...config], ignoreChanges: ["stdin", ...keepCommand] },
          ),
        ]
      : [];
    const waits = { ...waitsOf(this.#args)[index], ...(timeouts.delete && { delete: timeouts.delete }) };
    const taken = this.#import("DaemonSet", daemonSetName(pool));
    const live = facts?.daemonSets.find(({ name }) => name === daemonSetName(pool));
    const { restart = initialToken } = this.#args;
    const token = typeof restart === "string" ? restart : undefined;
    const isTaken = taken.import !== undefined;
    const { replaceOnChanges, ignoreChanges } = restartOptions(live?.annotations, token, isTaken);
    const set = new kubernetes.apps.v1.DaemonSet(
      `${this.#name}-${prefix}daemon-set`,
      {
        metadata: wave.daemonSet.metadata,
        spec: wave.daemonSet.apply(({ spec }) => mutable(spec)),
      },
      // The ConfigMap is named by a constant and only depended on: taking its name from the resource would let a
      // replaced ConfigMap take the DaemonSet down with it.
      {
        ...this.#options,
        ...taken,
        ...this.#recorded(pool, wave, hooks),
        replaceOnChanges,
        ignoreChanges: [...ignoreChanges, ...keep("metadata", "spec")],
        customTimeouts: waits,
        dependsOn: this.#withImmutables([...before, ...config, ...testService]),
      },
    );
    const maxFailed = maxFailedOf(pool, this.#args);
    const [first] = testService;
    if (first === undefined) {
      this.#recording?.waveEnds(wave, set.id);
      return { set, proof: set, baseline: [] };
    }
    const proof = this.#command(
      `${prefix}verify`,
      verifyCommand(cluster, {
        // With its UID also one that the engine is told to replace: `up --replace`, `state taint`.
        triggers: pulumi.all([triggers, set.metadata.uid]).apply(([all, uid]) => [...all, uid]),
        ...{ wave, deadline: this.#deadline, before: first.stdout, maxFailed },
        reports: this.#recording === undefined ? undefined : (snapshotFolder ?? ""),
      }),
      { ...recorded, dependsOn: [set], ignoreChanges: ["stdin", ...keepCommand] },
    );
    this.#tell(wave, proof);
    this.#recording?.waveEnds(wave, proof.stdout);
    // For the look at this wave before the next one.
    const allowed = maxFailed === undefined ? "" : `\n${formatBudget(daemonSetName(pool), maxFailed)}`;
    return { set, proof, baseline: [first.stdout.apply((text) => `${text}${allowed}`)] };
  }

  /** Brings the image of a wave onto its nodes, where that is wanted. */
  #pull(
    wave: pulumi.Output<Wave>,
    pool: string | undefined,
    before: readonly pulumi.Resource[],
  ): pulumi.Resource[] {
    if (this.#args.prePull !== true) return [];
    const proof = { triggers: wave.apply((one) => triggersOf([one])), wave, deadline: this.#deadline };
    const ignoreChanges = this.#keep(pool, ["stdin", ...commandInputs]);
    return [
      this.#command(`${prefixOf(pool)}pull`, pullCommand(this.#args.cluster ?? {}, proof), {
        dependsOn: [...before],
        ignoreChanges,
      }),
    ];
  }

  /** Inputs that stay as they are in a held pool: whatever the program says now, nothing of it is different. */
  #keep(pool: string | undefined, keys: readonly string[]): string[] {
    return this.#args.hold?.includes(pool ?? "") === true ? [...keys] : [];
  }

  /** Tells at the end of the run what a proof of this run has found: a command's own output is gone by then. */
  #tell(wave: pulumi.Output<Wave>, { stdout }: CommandResource): void {
    const { facts } = this.#args;
    if (facts === undefined || pulumi.runtime.isDryRun()) return;
    pulumi.all([wave, stdout]).apply(([one, table]) => {
      // Where a command runs that prints nothing, as under mocks, there is nothing to tell.
      if (table && !isDone(one, facts)) void pulumi.log.info(table, this.#parent);
    });
  }

  /** Hooks of one wave's objects: before the first of them is changed, a switch between modes is prepared. */
  #switching(wave: pulumi.Output<Wave>, pool?: string): pulumi.ResourceHookBinding {
    const { cluster, facts } = this.#args;
    if (cluster === undefined) return this.#hooks;
    const name = pool === undefined ? this.#name : `${this.#name}-${pool}`;
    const preparing = preparingHook(name, cluster, { wave, facts, deadline: this.#deadline });
    const { beforeCreate = [], beforeUpdate = [] } = this.#hooks;
    return { beforeCreate: [...beforeCreate, preparing], beforeUpdate: [...beforeUpdate, preparing] };
  }

  get #deadline(): string {
    return this.#args.timeouts?.verify ?? "5m";
  }

  /**
   * Options of every object. Names are fixed, so that no object can stand beside its own replacement. The Kubernetes
   * provider asks to delete first only when it found a reason to replace by itself; a restart is the engine's reason,
   * and the engine's default order would create over the live DaemonSet and then delete it. And what an interrupted
   * create has left would be in the way of every later one.
   */
  get #options(): pulumi.CustomResourceOptions {
    return { parent: this.#parent, deleteBeforeReplace: true, hooks: this.#hooks };
  }

  /** With the hook that has the update recorded, of a wave where it is given, before others. */
  #recorded(
    pool?: string,
    wave?: pulumi.Output<Wave>,
    hooks?: pulumi.ResourceHookBinding,
  ): pulumi.CustomResourceOptions {
    const all = this.#recording?.before(hooks ?? {}, pool, wave) ?? hooks;
    return all === undefined ? {} : { hooks: all };
  }

  #noted<T extends pulumi.Resource>(resource: T): T {
    this.#declared.push(resource);
    return resource;
  }

  /** Takes a live object over, where there is one to take: by its kind, and of a pool's by its name. */
  #import(kind: string, name?: string): pulumi.CustomResourceOptions {
    const isMeant = (object: LiveObject) =>
      object.kind === kind && (name === undefined || object.metadata.name === name);
    const metadata = this.#taken.find(isMeant)?.metadata;
    return metadata === undefined
      ? {}
      : {
          import: metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`,
        };
  }

  #command(name: string, args: CommandArgs, options: pulumi.CustomResourceOptions = {}): CommandResource {
    return this.#noted(this.#make(`${this.#name}-${name}`, args, { parent: this.#parent, ...options }));
  }

  #configMap(
    name: string,
    configMap: pulumi.Output<ConfigMap>,
    options: pulumi.CustomResourceOptions,
  ): kubernetes.core.v1.ConfigMap {
    return this.#noted(
      new kubernetes.core.v1.ConfigMap(
        `${this.#name}-${name}`,
        { metadata: configMap.metadata, data: configMap.apply(({ data }) => ({ ...data })) },
        { ...this.#options, ...options },
      ),
    );
  }

  /** With the immutable ConfigMaps, as far as there are any. */
  #withImmutables(resources: readonly pulumi.Resource[]): pulumi.Input<pulumi.Resource[]> {
    return this.#immutables?.apply((immutables) => [...resources, ...immutables]) ?? [...resources];
  }
}

/** With which the names of a pool's resources begin. */
function prefixOf(pool: string | undefined): string {
  return pool === undefined ? "" : `${pool}-`;
}
