/** What programs with the component register, as policies see it. */
import * as kubernetes from "@pulumi/kubernetes";
import { KubeProxy, type KubeProxyArgs } from "../../components/index.ts";
import { type Registration, registrationsOf } from "../component/registration.ts";

/** A resource as the engine hands it to policies. */
export interface Seen extends Registration {
  readonly urn: string;
  /** The inputs of its provider, which have everything but texts as JSON. */
  readonly providerInputs: Readonly<Record<string, unknown>>;
}

const args: KubeProxyArgs = {
  kubernetesVersion: "v1.37.2",
  controlPlaneEndpoint: "api.example.com:6443",
  pools: [
    { name: "canary", nodeSelector: { canary: "yes" } },
    { name: "rest", matchExpressions: [{ key: "canary", operator: "NotIn", values: ["yes"] }] },
  ],
};

/** Registers a KubeProxy with two pools, and a DaemonSet of somebody else that would break every policy. */
export async function registered(
  more: Partial<KubeProxyArgs> = {},
  upsertExistingObjects = false,
): Promise<readonly Seen[]> {
  const registrations = await registrationsOf(() => {
    const provider = new kubernetes.Provider("cluster", { upsertExistingObjects });
    new KubeProxy("kube-proxy", { ...args, ...more }, { provider });
    new kubernetes.apps.v1.DaemonSet("others", {
      spec: {
        selector: {},
        template: { spec: { containers: [{ name: "other", image: "other" }] } },
      },
    });
  });
  const inputsOf = (provider: string) =>
    registrations.find(({ type, name }) => provider.includes(`::${type}::${name}::`))?.inputs;
  return registrations.map((registration) => ({
    ...registration,
    urn: urnOf(registration),
    providerInputs: inputsOf(registration.provider) ?? {},
  }));
}

/** As Pulumi's mocks name it, and the engine: by the types of those above it. */
function urnOf({ parent, type, name }: Registration): string {
  const [, , above = ""] = parent.split("::");
  const own = ["", "pulumi:pulumi:Stack"].includes(above) ? type : `${above}$${type}`;
  return ["urn:pulumi:test", "kube-proxy", own, name].join("::");
}

/** Those of kube-proxy's DaemonSets. */
export function daemonSetsOf(resources: readonly Seen[]): Seen[] {
  return resources.filter(({ type, name }) => type.endsWith(":DaemonSet") && name !== "others");
}
