import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { KubeProxyArgs } from "../args.ts";
import type { ConfigMap } from "../kubeadm/objects.ts";
import type { Plan } from "../plan/plan.ts";

/**
 * Declares the immutable ConfigMaps. Each is a resource of its content's name, so that another content is another resource:
 * the engine makes it before the DaemonSets are changed, and deletes those that are not kept when all else is done.
 *
 * @param name - the component's
 * @param optionsOf - options of a ConfigMap, by its name
 * @returns them, once the plan tells which there are; undefined where there are none, and are to be none
 */
export function immutableConfigs(
  name: string,
  plan: pulumi.Output<Plan>,
  { facts, immutableConfig = false }: Pick<KubeProxyArgs, "facts" | "immutableConfig">,
  optionsOf: (configMap: string) => pulumi.CustomResourceOptions,
): pulumi.Output<pulumi.Resource[]> | undefined {
  if (!immutableConfig && facts?.immutableConfigs === undefined) return undefined;
  return plan.immutables.apply((all) =>
    all.map(({ metadata }, index) => {
      // Not these plain values: where an argument is a secret, so is what is made of it.
      const wanted = plan.immutables.apply((some) => some[index]) as pulumi.Output<ConfigMap>;
      return new kubernetes.core.v1.ConfigMap(
        `${name}-${metadata.name.replace(/^kube-proxy/, "config")}`,
        { metadata: wanted.metadata, data: wanted.apply(({ data }) => ({ ...data })), immutable: true },
        optionsOf(metadata.name),
      );
    }),
  );
}
