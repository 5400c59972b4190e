import { type Minor, minorOf, minors } from "./minors.ts";

/** A Kubernetes version that this project can render. */
export interface Version {
  /** As it was given, such as `v1.37.2`. */
  readonly text: string;
  readonly patch: number;
  /** What kubeadm of this minor does. */
  readonly minor: Minor;
}

const shape = /^v(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;
const [oldest, newest] = [minors[0]?.minor, minors.at(-1)?.minor];

/** What {@link parseVersion} accepts, for an error. */
export const acceptedVersions = `vMAJOR.MINOR.PATCH from v1.${oldest}.0 to any v1.${newest} patch, such as v1.${newest}.2`;

/** Reads `vMAJOR.MINOR.PATCH`, with a pre-release or build suffix if there is one; undefined for anything else. */
export function parseVersion(text: unknown): Version | undefined {
  const match = typeof text === "string" ? shape.exec(text) : null;
  const minor = match?.[1] === "1" ? minorOf(Number(match[2])) : undefined;
  return match === null || minor === undefined
    ? undefined
    : { text: match[0], patch: Number(match[3]), minor };
}
