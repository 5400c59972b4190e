import { minors } from "./minors.ts";
import type { Settings } from "./settings.ts";
import { parseVersion } from "./version.ts";

/**
 * What a user set that kubeadm of the version does not hand on to kube-proxy though that of another minor does, in
 * sentences: a changed version must not drop it without a word.
 */
export function unusedSettings({
  kubernetesVersion,
  featureGates = {},
  configuration = {},
}: Settings): string[] {
  const minor = parseVersion(kubernetesVersion)?.minor;
  if (minor === undefined) {
    return [];
  }
  const gates = Object.keys(featureGates).flatMap((gate) => {
    const copying = minors.filter(({ copiedFeatureGates }) => copiedFeatureGates.includes(gate));
    const [first, last] = [copying[0], copying.at(-1)];
    return first === undefined || last === undefined || copying.includes(minor)
      ? []
      : [
          `featureGates.${gate} has no effect: kubeadm copies it to kube-proxy from 1.${first.minor} to 1.${last.minor} ` +
            `only, not in 1.${minor.minor}. Take it out.`,
        ];
  });
  return [
    ...gates,
    ...(minor.forcesBindAddress && configuration.bindAddress
      ? [`configuration.bindAddress has no effect: kubeadm of 1.${minor.minor} writes its own. Take it out.`]
      : []),
  ];
}
