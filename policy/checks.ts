/** What is wrong with a resource, in words that say what to do; empty where all is well. Nothing here knows how it is asked. */

/** Which images are accepted: any; those that name a version; those that name their content. */
export const Pinned = { off: "off", tag: "tag", digest: "digest" } as const;
export type Pinned = (typeof Pinned)[keyof typeof Pinned];

/** What a policy sees of a resource's options. The engine does not hand it `replaceOnChanges`. */
export interface Options {
  readonly protect: boolean;
  readonly ignoreChanges: readonly string[];
  readonly deleteBeforeReplace?: boolean;
}

/** What a policy sees of a resource of the stack. */
export interface Resource {
  readonly type: string;
  readonly urn: string;
  readonly name: string;
  readonly props: Readonly<Record<string, unknown>>;
  readonly dependencies: readonly { readonly urn: string }[];
}

interface Container {
  readonly image?: string;
}

/** A DaemonSet, as far as it is looked at. */
export interface DaemonSet {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: {
    readonly template?: {
      readonly spec?: {
        readonly containers?: readonly Container[];
        readonly initContainers?: readonly Container[];
      };
    };
  };
}

/** By which a restart is made: its new value replaces the DaemonSet. */
export const restartAnnotation = "kube-proxy/restart";

const restartPath = `metadata.annotations["${restartAnnotation}"]`;

/** The commands of a program, and those of the package for other languages. */
const commandTypes = ["command:local:Command", "kube-proxy:index:Command"];

/** Whether a URN is that of a DaemonSet which the component has made, whatever the component itself is in. */
export function isOfKubeProxy(urn: string): boolean {
  return /[:$]kube-proxy:index:KubeProxy\$kubernetes:apps\/v1:DaemonSet::/.test(urn);
}

/** A restart deletes the DaemonSet and then creates it: what in its options is in the way. */
export function optionProblems({ protect, ignoreChanges, deleteBeforeReplace }: Options): string[] {
  const hiding = ignoreChanges.filter((path) => ["metadata.annotations", restartPath].includes(path));
  return [
    ...(deleteBeforeReplace === true
      ? []
      : [
          "It has no deleteBeforeReplace: a restart would create over the DaemonSet that is there and then delete it, and no " +
            "kube-proxy would be left. Take out the transform that changes this option.",
        ]),
    ...hiding.map(
      (path) =>
        `ignoreChanges has ${path}: a new restart token would change nothing. Take it out; what others write into other ` +
        "annotations is left to them as it is.",
    ),
    ...(protect
      ? [
          "It is protected: a restart would be refused. Take protect from it, or from the KubeProxy it has it from.",
        ]
      : []),
  ];
}

/** A restart is a new value of an annotation: the first one would be an ordinary change, and replace nothing. */
export function tokenProblems({ metadata }: DaemonSet): string[] {
  return metadata?.annotations?.[restartAnnotation] === undefined
    ? [
        `It has no annotation ${restartAnnotation}, whose new value makes a restart. Take out the transform that removes it.`,
      ]
    : [];
}

/** @param provider - the Kubernetes provider's inputs, which have everything but texts as JSON */
export function providerProblems(provider: Readonly<Record<string, unknown>>): string[] {
  return String(provider["upsertExistingObjects"]) === "true"
    ? [
        "Its provider has upsertExistingObjects: an object that a replacement has lost, or another owner's, would be written " +
          "over in silence. Take that out of the provider's arguments, or PULUMI_K8S_UPSERT_EXISTING_OBJECTS out of the " +
          "environment.",
      ]
    : [];
}

/** Each image of the DaemonSet that says less of its content than is asked for. */
export function imageProblems({ spec }: DaemonSet, pinned: Pinned): string[] {
  const { containers = [], initContainers = [] } = spec?.template?.spec ?? {};
  const images = [...initContainers, ...containers].map(({ image = "" }) => image);
  return [...new Set(images)]
    .filter((image) => !isPinned(image, pinned))
    .map((image) => wanted(image, pinned));
}

function isPinned(image: string, pinned: Pinned): boolean {
  if (pinned === Pinned.off || /@sha256:[0-9a-f]{64}$/.test(image)) return true;
  // After the last slash: a registry may have a port.
  const [, tag = "latest"] = /[^/]*$/.exec(image.replace(/@.*/, ""))?.[0].split(":") ?? [];
  return pinned === Pinned.tag && tag !== "latest";
}

function wanted(image: string, pinned: Pinned): string {
  return pinned === Pinned.digest
    ? `The image ${image} has no digest: set image to one that ends with @sha256: and 64 digits.`
    : `The image ${image} has no tag but latest: set image to one with a version as its tag.`;
}

/** The DaemonSets of kube-proxy after which no command proves that every node's kube-proxy works. */
export function unproved(resources: readonly Resource[]): Resource[] {
  const proofs = resources.filter(
    ({ type, props }) => commandTypes.includes(type) && props["create"] === "verify",
  );
  const proved = new Set(proofs.flatMap(({ dependencies }) => dependencies.map(({ urn }) => urn)));
  return resources.filter(({ urn }) => isOfKubeProxy(urn) && !proved.has(urn));
}
