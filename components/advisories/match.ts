import type { Advisory, OsImages } from "./types.ts";

/** A kube-proxy, or one that is to be: whatever decides which advisories hold for it. */
export interface Running {
  /** Such as `v1.37.2`; what is none fits no advisory. */
  readonly version: string;
  /** As it is configured: empty for the default, iptables. */
  readonly mode: string;
  /** Default: none of those that an advisory names. */
  readonly detectLocalMode?: string | undefined;
  /** The field `conntrack.maxPerCore`. Default: kube-proxy's own. */
  readonly maxPerCore?: unknown;
  /** Its image, as it is given. Default: Kubernetes' own. */
  readonly image?: string | undefined;
}

/** What a kubelet says of the machine. */
export interface Machine {
  /** Such as `6.12.0-amd64`. */
  readonly kernel: string;
  /** Such as `Debian GNU/Linux 13 (trixie)`. */
  readonly osImage: string;
}

/** Whether an advisory holds for a kube-proxy, as far as that is not for the node. */
export function holds(row: Advisory, running: Running): boolean {
  const { version, mode, detectLocalMode = "", maxPerCore, image } = running;
  return (
    isAffected(row, version) &&
    (row.modes === undefined || row.modes.includes(mode) || row.modes.includes(mode || "iptables")) &&
    (row.detectLocalModes?.includes(detectLocalMode) ?? true) &&
    !(row.setsConntrackLimit === true && maxPerCore === 0) &&
    !(row.foreignImage === true && (image === undefined || isKubernetesOwn(image)))
  );
}

/** Whether it is for the node whether an advisory holds. */
export function isOfNodes({ kernels, osImages }: Advisory): boolean {
  return kernels !== undefined || osImages !== undefined;
}

/** Whether a node is one of those on which an advisory holds; one that says nothing of itself is none. */
export function holdsOn(row: Advisory, machine: Machine | undefined): boolean {
  if (!isOfNodes(row)) return true;
  if (machine === undefined) return false;
  const { kernels, osImages } = row;
  const kernel = numbersOf(machine.kernel);
  return (
    (kernels === undefined ||
      (!isBefore(kernel, numbersOf(kernels.since)) && isBefore(kernel, numbersOf(kernels.below)))) &&
    (osImages?.some((one) => isOne(one, machine.osImage)) ?? true)
  );
}

function isAffected({ versions: { since, fixed } }: Advisory, version: string): boolean {
  const found = numbersOf(version);
  if (found.length < 3 || isBefore(found, numbersOf(since))) return false;
  const mended = fixed.map(numbersOf);
  const [newest = []] = mended.slice(-1);
  const own = mended.find(([, minor]) => minor === found[1]);
  return own === undefined ? newest.length === 0 || isBefore(found, newest) : isBefore(found, own);
}

/** A kubelet may say anything: only its beginning is looked at. */
function isOne({ name, since }: OsImages, osImage: string): boolean {
  if (!osImage.startsWith(`${name} `)) return false;
  const release = numbersOf(osImage.slice(name.length + 1));
  return since === undefined || !isBefore(release, numbersOf(since));
}

/** The numbers that a text begins with, at most three: 1, 37 and 2 of `v1.37.2-rc.1`. */
function numbersOf(text: string): readonly number[] {
  const [found = ""] = /^v?\d{1,9}(?:\.\d{1,9}){0,2}/.exec(text) ?? [];
  return found === "" ? [] : found.replace("v", "").split(".").map(Number);
}

/** Missing numbers count as 0. */
function isBefore(one: readonly number[], other: readonly number[]): boolean {
  const differing = [0, 1, 2].find((place) => (one[place] ?? 0) !== (other[place] ?? 0));
  return differing !== undefined && (one[differing] ?? 0) < (other[differing] ?? 0);
}

/** Whether an image is one that Kubernetes itself has built. */
export function isKubernetesOwn(image: string): boolean {
  return /^(registry\.k8s\.io|k8s\.gcr\.io)\/kube-proxy[:@]/.test(image);
}
