import type { Problem } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";
import { hasField } from "./documentFields.ts";
import { type Minor, sinceMinor } from "./minors.ts";

type Mapping = Readonly<Record<string, unknown>>;

/** What of a kubeadm config file keeps `kubeadm init` from making kube-proxy's objects as they are printed. */
export interface InitPhases {
  /** Sentences, each with the field's path. */
  readonly warnings: readonly string[];
  /** What kubeadm would not read. */
  readonly problems: readonly Problem[];
  /** Where `kubeadm init` looks for patches. */
  readonly patches?: string;
}

/**
 * Reads what decides whether `kubeadm init` makes kube-proxy: `proxy.disabled`, `skipPhases` and `patches.directory`.
 *
 * Source: kubeadm's `cmd/init.go` (`manageSkippedAddons`), `cmd/phases/workflow/runner.go`.
 */
export function readInitPhases(cluster: Mapping, init: Mapping): InitPhases {
  const proxy = hasField("ClusterConfiguration", "proxy", cluster["apiVersion"])
    ? cluster["proxy"]
    : undefined;
  const disabled = isRecord(proxy) ? proxy["disabled"] : undefined;
  const phases = hasField("InitConfiguration", "skipPhases", init["apiVersion"])
    ? init["skipPhases"]
    : undefined;
  const patches = hasField("InitConfiguration", "patches", init["apiVersion"]) ? init["patches"] : undefined;
  const directory = isRecord(patches) ? patches["directory"] : undefined;
  return {
    problems: [
      ...refused("ClusterConfiguration.proxy", proxy, isRecord, "a mapping, such as {disabled: true}"),
      ...refused("ClusterConfiguration.proxy.disabled", disabled, isBoolean, "true or false"),
      ...refused(
        "InitConfiguration.skipPhases",
        phases,
        isTexts,
        "a list of phases, such as [addon/kube-proxy]",
      ),
      ...refused(
        "InitConfiguration.patches",
        patches,
        isRecord,
        "a mapping, such as {directory: /etc/patches}",
      ),
      ...refused("InitConfiguration.patches.directory", directory, isText, "the path of a directory"),
    ],
    warnings: [
      ...(disabled === true ? [without("ClusterConfiguration.proxy.disabled", "it is true")] : []),
      ...(isTexts(phases) ? phases : []).flatMap((phase, index) =>
        skipped(`InitConfiguration.skipPhases[${index}]`, phase),
      ),
    ],
    ...(isText(directory) && directory !== "" && { patches: directory }),
  };
}

function refused(
  path: string,
  value: unknown,
  test: (value: unknown) => boolean,
  accepted: string,
): Problem[] {
  return value === undefined || value === null || test(value) ? [] : [{ path, value, accepted }];
}

const isText = (value: unknown): value is string => typeof value === "string";
const isBoolean = (value: unknown) => typeof value === "boolean";
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);

const phase = "addon/kube-proxy";

function without(path: string, why: string): string {
  return `${path}: ${why}, so that kubeadm init makes none of these objects; they are what \`kubeadm init phase ${phase.replace("/", " ")}\` makes`;
}

function skipped(path: string, name: string): string[] {
  if (name === phase || name === "addon") {
    return [without(path, `it is ${name}`)];
  }
  return name.includes("proxy")
    ? [`${path}: kubeadm init knows no phase ${JSON.stringify(name)}, and ends; did you mean ${phase}?`]
    : [];
}

const target = "kubeproxydaemonset";
const since = sinceMinor(({ patchesDaemonSet }) => patchesDaemonSet);
const targets = [
  ...["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"],
  ...["kubeletconfiguration", "corednsdeployment", target],
];
const patchName = new RegExp(
  `^(${targets.join("|")})([^.+\\n]*)(\\+)?(json|merge|strategic)?.*\\.(?:json|yaml)$`,
  "s",
);

/** Of the files in a directory of patches and below it, those that are for the DaemonSet, with the parts of their names. */
export function patchesOf(files: readonly string[]) {
  return files
    .map((file) => ({ file, match: patchName.exec(file.split("/").at(-1) ?? "") }))
    .filter(({ match }) => match?.[1] === target);
}

/**
 * Says what kubeadm of a minor does with the patches of a directory, which this program does not apply.
 *
 * @param directory - as the file names it
 * @param files - the files in it and below it, without empty ones, in the order of their names; a text where it cannot be
 * read: why
 *
 * Source: kubeadm's `util/patches/patches.go`; target kubeproxydaemonset: k/k #138090.
 */
export function patchWarnings(directory: string, files: readonly string[] | string, minor: Minor): string[] {
  const path = "InitConfiguration.patches.directory";
  const where = JSON.stringify(directory);
  if (typeof files === "string") {
    return minor.patchesDaemonSet
      ? [
          `${path}: ${where} cannot be read here (${files}): what it has for ${target} is not in what is printed`,
        ]
      : [];
  }
  const own = patchesOf(files);
  if (!minor.patchesDaemonSet) {
    return own.map(
      ({ file }) =>
        `${path}: kubeadm of 1.${minor.minor} ignores ${file} in ${where}: it knows ${target} since 1.${since}`,
    );
  }
  const [sound, broken] = [true, false].map((isSound) =>
    own.filter(({ match }) => (match?.[3] === undefined || match[4] !== undefined) === isSound),
  );
  const names = (sound ?? []).map(({ file }) => file).join(", ");
  return [
    ...(broken ?? []).map(
      ({ file }) =>
        `${path}: kubeadm init ends at ${file} in ${where}: after + comes json, merge or strategic`,
    ),
    ...(names === ""
      ? []
      : [
          `${path}: kubeadm patches the DaemonSet by these files in ${where}, and it is printed without that: ${names}`,
        ]),
  ];
}
