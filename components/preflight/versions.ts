import { isKubernetesOwn } from "../advisories/match.ts";
import type { NodeFacts } from "../facts/facts.ts";
import { listed } from "../input/problems.ts";
import { minorNumber, type WaveIntent } from "../plan/intent.ts";
import { type Check, type Finding, never, whenChanged, whenPodsStart } from "./check.ts";

/** The oldest kernel in which nftables has what kube-proxy needs. */
const nftablesKernel = { major: 5, minor: 13 };
const skipKernelCheck = "KUBE_PROXY_NFTABLES_SKIP_KERNEL_VERSION_CHECK";

/** Checks of versions, kernels and kinds of machines. */
export const versionChecks: readonly Check[] = [
  {
    name: "api-server-version",
    needs: ["serverVersion"],
    severity: whenChanged,
    find: ({ serverVersion = "" }, { waves }) =>
      waves.flatMap((wave) => apiServerSkew(wave, serverVersion, minorNumber(serverVersion))),
  },
  {
    name: "kubelet-version",
    needs: ["nodes"],
    severity: whenChanged,
    find: (_, { waves }) => waves.flatMap(kubeletSkew),
  },
  {
    name: "nftables-kernel",
    needs: ["nodes"],
    severity: whenPodsStart,
    find: (_, { waves }) => waves.flatMap(oldKernels),
  },
  {
    name: "node-os",
    needs: ["nodes"],
    severity: whenPodsStart,
    find: (_, { waves }) =>
      waves.flatMap(({ wave, nodes }) =>
        about(
          nodes.filter(({ system }) => system !== undefined && system.os !== "linux"),
          ({ system }) => system?.os ?? "",
          (os) => `${os}, where the image of DaemonSet ${wave.daemonSet.metadata.name} cannot run`,
          "narrow nodeSelector to Linux nodes; Windows nodes need a DaemonSet of their own",
        ),
      ),
  },
  {
    name: "node-architecture",
    tellsValues: true,
    needs: ["nodes"],
    severity: never,
    find: (_, { waves, settings }) =>
      waves.flatMap((wave) => architectures(wave, settings.imageRepository !== undefined)),
  },
];

function apiServerSkew(
  { wave, minor }: WaveIntent,
  serverVersion: string,
  server: number | undefined,
): Finding[] {
  if (minor === undefined || server === undefined) {
    return [];
  }
  const object = `DaemonSet ${wave.daemonSet.metadata.name}`;
  const is = `kube-proxy 1.${minor.minor} is`;
  if (minor.minor > server) {
    return [
      {
        object,
        wrong: `${is} newer than the API server, ${serverVersion}`,
        remedy: "upgrade the API servers first, or lower kubernetesVersion",
      },
    ];
  }
  return server - minor.minor > minor.versionSkew
    ? [
        {
          object,
          wrong: `${is} more than ${minor.versionSkew} minors older than the API server, ${serverVersion}`,
          remedy: "raise kubernetesVersion",
        },
      ]
    : [];
}

function kubeletSkew({ nodes, minor }: WaveIntent): Finding[] {
  if (minor === undefined) {
    return [];
  }
  const apart = nodes.filter(({ system }) => {
    const kubelet = system && minorNumber(system.kubelet);
    return kubelet !== undefined && Math.abs(kubelet - minor.minor) > minor.versionSkew;
  });
  return about(
    apart,
    ({ system }) => system?.kubelet ?? "",
    (kubelet) =>
      `kubelet ${kubelet} is more than ${minor.versionSkew} minors apart from kube-proxy 1.${minor.minor}`,
    "upgrade these kubelets, or choose a kubernetesVersion that is nearer",
  );
}

function oldKernels({ wave, nodes, configuration }: WaveIntent): Finding[] {
  const { env } = wave.daemonSet.spec.template.spec.containers[0];
  if (
    configuration.text("mode") !== "nftables" ||
    env.some(({ name, value }) => name === skipKernelCheck && value)
  ) {
    return [];
  }
  const { major, minor } = nftablesKernel;
  return about(
    nodes.filter(({ system }) => system !== undefined && isOlder(system.kernel)),
    ({ system }) => system?.kernel ?? "",
    (kernel) => `kernel ${kernel}: under nftables kube-proxy needs ${major}.${minor} and exits`,
    `upgrade their kernels, or put them into a pool with mode iptables`,
  );
}

function isOlder(kernel: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(kernel) ?? [];
  return (
    major !== undefined &&
    (Number(major) < nftablesKernel.major ||
      (Number(major) === nftablesKernel.major && Number(minor) < nftablesKernel.minor))
  );
}

/**
 * Of Kubernetes' own image it is known for which architectures it is made; of another one it is not, so that only nodes of
 * several architectures are told.
 */
function architectures({ wave, nodes, minor }: WaveIntent, ownRepository: boolean): Finding[] {
  const [{ image }] = wave.daemonSet.spec.template.spec.containers;
  const found = [...new Set(nodes.flatMap(({ system }) => system?.architecture ?? []))].sort();
  const isKubernetes = !ownRepository && isKubernetesOwn(image);
  if (isKubernetes && minor !== undefined) {
    return about(
      nodes.filter(
        ({ system }) => system !== undefined && !minor.architectures.includes(system.architecture),
      ),
      ({ system }) => system?.architecture ?? "",
      (architecture) => `architecture ${architecture}, for which there is no ${image}`,
      "give them a pool with an image of their own",
    );
  }
  return found.length > 1
    ? [
        {
          object: `DaemonSet ${wave.daemonSet.metadata.name}`,
          wrong: `its nodes are ${found.join(" and ")}`,
          remedy: `see that ${image} is made for each of them`,
        },
      ]
    : [];
}

/** One finding for all nodes of which the same is wrong. */
function about(
  nodes: readonly NodeFacts[],
  key: (node: NodeFacts) => string,
  wrong: (key: string) => string,
  remedy: string,
): Finding[] {
  return [...Map.groupBy(nodes, key)].map(([value, group]) => ({
    object: nodesNamed(group),
    wrong: wrong(value),
    remedy,
  }));
}

/** Nodes in words: `Nodes node-1, node-2`. */
export function nodesNamed(nodes: readonly NodeFacts[]): string {
  return `${nodes.length === 1 ? "Node" : "Nodes"} ${listed(nodes.map(({ name }) => name))}`;
}
