import { type Minor, minorOf, minors } from "./minors.ts";

/** A Kubernetes version that this project can render. */
export interface Version {
  /** As it was given, such as `v1.37.2`. */
  readonly text: string;
  readonly patch: number;
  /** What kubeadm of this minor does. */
  readonly minor: Minor;
}

const whole = "(?:0|[1-9]\\d*)";
/** A part of a pre-release: a number without leading zeros, or with a letter in it. */
const part = `(?:${whole}|\\d*[A-Za-z-][0-9A-Za-z-]*)`;
const word = "[0-9A-Za-z-]+";
const shape = new RegExp(
  `^v(${whole})\\.(${whole})\\.(${whole})(?:-${part}(?:\\.${part})*)?(?:\\+${word}(?:\\.${word})*)?$`,
);
const [oldest, newest] = [minors[0]?.minor, minors.at(-1)?.minor];
const example = `v1.${newest}.2`;

/** What {@link parseVersion} accepts, for an error. */
export const acceptedVersions = `vMAJOR.MINOR.PATCH from v1.${oldest}.0 to any v1.${newest} patch, such as ${example}`;

/** Reads `vMAJOR.MINOR.PATCH`, with a pre-release or build suffix if there is one; undefined for anything else. */
export function parseVersion(text: unknown): Version | undefined {
  const match = typeof text === "string" ? shape.exec(text) : null;
  const minor = match?.[1] === "1" ? minorOf(Number(match[2])) : undefined;
  return match === null || minor === undefined
    ? undefined
    : { text: match[0], patch: Number(match[3]), minor };
}

const label = /^(?:latest|stable)+(?:-[1-9](?:\.[1-9]\d?)?)?$/;

/** A version that kubeadm was given: as it goes on with it, or why nobody can tell without asking the internet. */
export type ReleaseVersion = { readonly version: string } | { readonly accepted: string };

/**
 * Reads `kubernetesVersion` as kubeadm does: `v` and the prefix `release/` may be left out; nothing stands for `stable-1`.
 *
 * Source: kubeadm's `util/version.go` (`KubernetesReleaseVersion`), apimachinery's `util/version` (`ParseSemantic`).
 */
export function releaseVersion(given: unknown): ReleaseVersion {
  if (given === undefined || given === null || given === "") {
    return {
      accepted: `is required: kubeadm would look up the newest one, so write it out, such as ${example}`,
    };
  }
  const [prefix, ...rest] = typeof given === "string" ? given.split("/") : [];
  const isPrefixed = rest.length === 1 && (prefix === "release" || prefix === "ci");
  const name = isPrefixed ? rest[0] : given;
  if (typeof name === "string" && label.test(name)) {
    return {
      accepted: `a version: kubeadm looks up what this label stands for, so write it out, such as ${example}`,
    };
  }
  if (isPrefixed && prefix === "ci") {
    return {
      accepted: `a release: kubeadm takes a build from elsewhere; write ${example} and its imageRepository`,
    };
  }
  const version = typeof name === "string" && !name.startsWith("v") ? `v${name}` : name;
  const known = parseVersion(version);
  return known === undefined ? { accepted: `${acceptedVersions}; without v, too` } : { version: known.text };
}
