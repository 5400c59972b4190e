import { createHash } from "node:crypto";
import * as command from "@pulumi/command";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { argsShape, type Timeouts } from "./args.ts";
import { clearingHook } from "./clearing.ts";
import { type ClusterAccess, orphansCommand, snapshotCommand, verifyCommand } from "./commands.ts";
import type { KubeProxyConfiguration } from "./configuration/types.ts";
import { configHash, kubeProxyObjects } from "./kubeadm/manifests.ts";
import type { KubeProxyObjects } from "./kubeadm/objects.ts";
import {
  checkSettings,
  ClusterRoleChoice,
  type EnvVar,
  type ResourceRequirements,
  type Toleration,
  type UpdateStrategy,
} from "./kubeadm/settings.ts";
import { formatProblems } from "./problems.ts";
import {
  initialToken,
  restartAnnotation,
  restartOptions,
  RestartStrategy,
  rollingBounds,
  withRestart,
} from "./restart.ts";
import { mapping } from "./schema.ts";

/** What decides a cluster's kube-proxy, in kubeadm's and Kubernetes' own words. */
export interface KubeProxyArgs {
  /** `vMAJOR.MINOR.PATCH`, 1.15 to 1.37: the image's tag and which kubeadm is followed. */
  kubernetesVersion: pulumi.Input<string>;
  /** `host[:port]` of the API server as nodes reach it, IPv6 in brackets; port 6443 when none is given. */
  controlPlaneEndpoint: pulumi.Input<string>;
  /** IP address of the node that ran `kubeadm init`; its family decides bindAddress. Default: guessed. */
  advertiseAddress?: pulumi.Input<string>;
  /** The pods' CIDR, or an IPv4 and an IPv6 one with a comma between. Default: none. */
  podSubnet?: pulumi.Input<string>;
  /** Where the image comes from, without `/kube-proxy`. Default: that of the minor's kubeadm. */
  imageRepository?: pulumi.Input<string>;
  /** The whole image reference, tag or digest included; overrides imageRepository and the version's tag. */
  image?: pulumi.Input<string>;
  /** Names of Secrets in kube-system for the image's registry. Default: none. */
  imagePullSecrets?: pulumi.Input<pulumi.Input<string>[]>;
  /** kubeadm's feature gates: of them, kubeadm 1.16 to 1.23 copies IPv6DualStack. Default: none. */
  featureGates?: pulumi.Input<Record<string, pulumi.Input<boolean>>>;
  /** KubeProxyConfiguration fields that override kubeadm's. Default: none. */
  configuration?: pulumi.Input<KubeProxyConfiguration>;
  /** Node labels that are required beside kubeadm's own one for Linux. Default: none. */
  nodeSelector?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Which taints are tolerated, in place of kubeadm's "every taint". */
  tolerations?: pulumi.Input<pulumi.Input<Toleration>[]>;
  /** The container's requests and limits. Default: none. */
  resources?: pulumi.Input<ResourceRequirements>;
  /** How in-place changes roll. Default: RollingUpdate with the API's bounds. */
  updateStrategy?: pulumi.Input<UpdateStrategy>;
  /** Environment variables after NODE_NAME, such as `*_proxy`. Default: none. */
  env?: pulumi.Input<pulumi.Input<EnvVar>[]>;
  /** The restart token: a new text replaces the DaemonSet. One line, 1 to 256 characters. Default `initial`. */
  restart?: pulumi.Input<string>;
  /** How a restart takes the old pods down: `Rolling` (default) or `Recreate`. It decides which resources there are. */
  restartStrategy?: RestartStrategy;
  /**
   * How the program itself reaches the cluster; the provider's choice, said again. Default: its commands reach it as
   * kubectl does, and what an interrupted `pulumi up` has left in the way of the next one is not cleared away.
   */
  cluster?: ClusterAccess;
  /** Folder of the snapshots that are taken before every change. Default: below the user's state folder. */
  snapshotFolder?: pulumi.Input<string>;
  /** Whether every node's kube-proxy is verified after a change, and `pulumi up` fails if one is not well. Default true. */
  verify?: boolean;
  /** Which ClusterRole is bound: `bootstrap` (default) or `create`. It decides which resources there are. */
  clusterRole?: ClusterRoleChoice;
  /** How long to wait for the DaemonSet. Default: 10 minutes each. */
  timeouts?: Timeouts;
}

/**
 * A kubeadm cluster's kube-proxy: the ServiceAccount, RBAC, ConfigMap and DaemonSet that `kubeadm init` makes, with
 * kubeadm's own names, in kube-system.
 *
 * A new `restart` token *replaces* the DaemonSet: it is deleted, created again, and awaited until every pod is new and
 * ready. `restartStrategy` says whether the pods follow node by node or all at once. Everything else that changes is an
 * ordinary rollout in place.
 *
 * The provider should have `enableConfigMapMutable: true`; without it a changed configuration replaces the ConfigMap.
 *
 * Mistakes in the arguments end the program with all of them named, before any resource is registered.
 */
export class KubeProxy extends pulumi.ComponentResource {
  /** Name of the DaemonSet. */
  readonly name: pulumi.Output<string>;
  /** UID of the DaemonSet; a restart gives it a new one. */
  readonly uid: pulumi.Output<string>;
  /** Image that the pods run. */
  readonly image: pulumi.Output<string>;
  /** kubeadm's hash of the configuration that the pods run with. */
  readonly configHash: pulumi.Output<string>;
  /** The restart token in force. */
  readonly restart: pulumi.Output<string>;
  readonly #hooks: pulumi.ResourceHookBinding;

  constructor(name: string, args: KubeProxyArgs, opts?: pulumi.ComponentResourceOptions) {
    // Access to the cluster makes no object: a kubeconfig that is a secret must not make all of them secret.
    const { cluster = {}, snapshotFolder, verify = true, ...settings } = args;
    const { verify: deadline = "5m", ...timeouts } = args.timeouts ?? {};
    super("kube-proxy:index:KubeProxy", name, settings, opts);
    this.#hooks = args.cluster === undefined ? {} : { beforeCreate: [clearingHook(name, args.cluster)] };

    // Everything comes from this one output, so that a mistake in the arguments keeps every child from being registered.
    const objects = pulumi.output(settings).apply((plain) => this.#objects(plain));
    const commands = { cluster, triggers: objects.apply(triggersOf) };
    const snapshot = this.#command(`${name}-snapshot`, snapshotCommand(commands, snapshotFolder));
    const access = this.#access(name, objects, args.clusterRole);
    const { configMap, daemonSet } = objects;
    const config = new kubernetes.core.v1.ConfigMap(
      `${name}-config-map`,
      { metadata: configMap.metadata, data: configMap.apply(({ data }) => ({ ...data })) },
      { ...this.#options, dependsOn: [snapshot] },
    );
    // A Rolling DaemonSet leaves its pods behind when it is deleted: so that the new one finds them after a restart, and
    // for this command to remove after a destroy, which deletes what depends on it first.
    const rolling = (args.restartStrategy ?? RestartStrategy.Rolling) === RestartStrategy.Rolling;
    const orphans = rolling ? [this.#command(`${name}-orphans`, orphansCommand(commands))] : [];
    const set = new kubernetes.apps.v1.DaemonSet(
      `${name}-daemon-set`,
      { metadata: daemonSet.metadata, spec: daemonSet.apply(({ spec }) => mutable(spec)) },
      // The ConfigMap is named by a constant and only depended on: taking its name from the resource would let a
      // replaced ConfigMap take the DaemonSet down with it.
      {
        ...this.#options,
        ...restartOptions(timeouts),
        dependsOn: [...access, config, snapshot, ...orphans],
      },
    );
    if (verify) {
      const expected = verifyCommand(commands, args.restart ?? initialToken, deadline);
      this.#command(`${name}-verify`, expected, [set]);
    }

    this.name = set.metadata.name;
    this.uid = set.metadata.uid;
    this.image = daemonSet.apply(({ spec }) => spec.template.spec.containers[0].image);
    this.configHash = configMap.apply(({ data }) => configHash(data));
    this.restart = pulumi.output(args.restart ?? initialToken);
    this.registerOutputs({
      name: this.name,
      uid: this.uid,
      image: this.image,
      configHash: this.configHash,
      restart: this.restart,
    });
  }

  /**
   * Options of every object. Names are fixed, so that no object can stand beside its own replacement. The Kubernetes
   * provider asks to delete first only when it found a reason to replace by itself; a restart is the engine's reason,
   * and the engine's default order would create over the live DaemonSet and then delete it. And what an interrupted
   * create has left would be in the way of every later one.
   */
  get #options(): pulumi.CustomResourceOptions {
    return { parent: this, deleteBeforeReplace: true, hooks: this.#hooks };
  }

  #command(
    name: string,
    args: command.local.CommandArgs,
    dependsOn: pulumi.Resource[] = [],
  ): command.local.Command {
    return new command.local.Command(name, args, { parent: this, dependsOn });
  }

  /** The ServiceAccount and its rights; gives what has to be there before the pods are. */
  #access(
    name: string,
    objects: pulumi.Output<KubeProxyObjects>,
    choice: ClusterRoleChoice | undefined,
  ): pulumi.Resource[] {
    const { ServiceAccount } = kubernetes.core.v1;
    const { ClusterRole, ClusterRoleBinding, Role, RoleBinding } = kubernetes.rbac.v1;
    const { serviceAccount, clusterRoleBinding, role, roleBinding } = objects;
    const options = this.#options;

    const account = new ServiceAccount(
      `${name}-service-account`,
      { metadata: serviceAccount.metadata },
      options,
    );
    const clusterRole =
      choice === ClusterRoleChoice.create
        ? [
            new ClusterRole(
              `${name}-cluster-role`,
              {
                metadata: objects.apply((all) => all.clusterRole?.metadata ?? {}),
                rules: objects.apply((all) => mutable(all.clusterRole?.rules ?? [])),
              },
              options,
            ),
          ]
        : [];
    const binding = new ClusterRoleBinding(
      `${name}-cluster-role-binding`,
      {
        metadata: clusterRoleBinding.metadata,
        roleRef: clusterRoleBinding.roleRef,
        subjects: clusterRoleBinding.apply(({ subjects }) => mutable(subjects)),
      },
      { ...options, dependsOn: clusterRole },
    );
    const bootstrapRole = new Role(
      `${name}-role`,
      { metadata: role.metadata, rules: role.apply(({ rules }) => mutable(rules)) },
      options,
    );
    const bootstrapBinding = new RoleBinding(
      `${name}-role-binding`,
      {
        metadata: roleBinding.metadata,
        roleRef: roleBinding.roleRef,
        subjects: roleBinding.apply(({ subjects }) => mutable(subjects)),
      },
      { ...options, dependsOn: [bootstrapRole] },
    );
    return [account, binding, bootstrapBinding];
  }

  #objects(
    plain: Omit<pulumi.Unwrap<KubeProxyArgs>, "cluster" | "snapshotFolder" | "verify">,
  ): KubeProxyObjects {
    const { restart = initialToken, restartStrategy = RestartStrategy.Rolling, ...settings } = plain;
    const problems = checkSettings(mapping(argsShape), { restart, restartStrategy, ...settings });
    if (problems.length > 0) {
      // Pulumi puts "error serializing property ..." in front, so the list starts on a line of its own.
      const message = `\n${formatProblems("the arguments of KubeProxy; nothing was changed", problems)}`;
      throw new pulumi.ResourceError(message, this, true);
    }
    const bounds = restartStrategy === RestartStrategy.Rolling ? { updateStrategy: rollingBounds } : {};
    return withRestart(kubeProxyObjects({ ...bounds, ...settings }), restart, restartStrategy);
  }
}

/** What tells one state of the pods from another: a new value is a restart or a rollout. */
function triggersOf({ daemonSet }: KubeProxyObjects): string[] {
  const { template } = daemonSet.spec;
  const hash = createHash("sha256").update(JSON.stringify(template)).digest("hex");
  return [template.metadata.annotations?.[restartAnnotation] ?? "", hash];
}

/** The same value for Pulumi's types, which know no `readonly`. */
function mutable<T>(value: T): Mutable<T> {
  return value as Mutable<T>;
}

type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T;
