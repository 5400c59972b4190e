/** When the checks before an update tell of an advisory. */
export const Preflight = {
  /** As long as it holds. */
  always: "always",
  /** Each time that pods are replaced. */
  restart: "restart",
  /** When an update goes into it, by another mode or version. */
  change: "change",
  never: "never",
} as const;
export type Preflight = (typeof Preflight)[keyof typeof Preflight];

/** When `validate` tells of an advisory, by version and configuration alone. */
export const Validate = {
  /** For every version, since the configuration outlives it; `configuration/warnings.ts` says when. */
  everyVersion: "everyVersion",
  /** For a version that has it. */
  affected: "affected",
  never: "never",
} as const;
export type Validate = (typeof Validate)[keyof typeof Validate];

/** Systems of one name, as a kubelet calls them in `osImage`. */
export interface OsImages {
  /** What it begins with, such as `Debian GNU/Linux`. */
  readonly name: string;
  /** The first release, as numbers with dots in between, such as `13` or `26.04`; absent for all. */
  readonly since?: string;
}

/** A known fault of kube-proxy, or something known that is to come: by its version, its mode, and the node that it is on. */
export interface Advisory {
  /** Stable: users ignore it by this name. */
  readonly name: string;
  /** What happens, as part of a sentence. */
  readonly what: string;
  /** What to do, as part of a sentence. */
  readonly remedy: string;
  /** Issues, pull requests and KEPs that say so, the one to read first in the first place. */
  readonly sources: readonly string[];
  /** The release since which it is so, and its month. */
  readonly date: string;
  /** Versions of kube-proxy that have it. */
  readonly versions: {
    /** The first one, such as `1.29.0`. */
    readonly since: string;
    /**
     * The first one of each minor without it, ascending. Minors above the last one do not have it either, all others have it
     * to their end; empty where no release is known to have mended it.
     */
    readonly fixed: readonly string[];
  };
  /** Modes in which it happens; absent for all. */
  readonly modes?: readonly string[];
  /** Values of `detectLocalMode` with which it happens; absent for all. */
  readonly detectLocalModes?: readonly string[];
  /** Only where kube-proxy is to set the kernel's limit of connections: `conntrack.maxPerCore` is not 0. */
  readonly setsConntrackLimit?: true;
  /** Only with an image that is not Kubernetes' own. */
  readonly foreignImage?: true;
  /** Kernels of nodes on which it happens: the first one, and the first one without it, such as `4.1` and `5.9`; absent for all. */
  readonly kernels?: { readonly since: string; readonly below: string };
  /** Systems of nodes on which it happens; absent for all. */
  readonly osImages?: readonly OsImages[];
  /** Whether an update that goes into it is refused, be it with the first kube-proxy. */
  readonly refuses: boolean;
  readonly preflight: Preflight;
  readonly validate: Validate;
  /** Whether `doctor` tells it of live nodes. */
  readonly doctor: boolean;
}
