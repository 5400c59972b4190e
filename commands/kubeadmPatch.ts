import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { checkArgs } from "../components/args.ts";
import { marshal, type Yaml } from "../components/configuration/goYaml.ts";
import { readYaml } from "../components/configuration/readYaml.ts";
import { askFacts, choiceOf } from "../components/facts/ask.ts";
import { clusterSettings } from "../components/facts/clusterSettings.ts";
import { type ClusterFacts, wholeFacts } from "../components/facts/facts.ts";
import { readingCluster, unreadProblems } from "../components/facts/unread.ts";
import { type Problem, ProblemsError } from "../components/input/problems.ts";
import { readDocuments, readKubeadmConfig, settingsIn } from "../components/kubeadm/configFile.ts";
import { patchesOf } from "../components/kubeadm/initPhases.ts";
import { patchFile } from "../components/kubeadm/patch.ts";
import type { Settings } from "../components/kubeadm/settings.ts";
import { parseVersion } from "../components/kubeadm/version.ts";
import { kubeadmPatch, patchProblems, patchWarnings, withSettings } from "../components/plan/kubeadmPatch.ts";
import type { Plain } from "../components/plan/plan.ts";
import { stackConfigShape } from "../components/stackValues.ts";
import { print, readInput, UsageError } from "./commandLine.ts";
import { filesBelow } from "./patchFolder.ts";
import { readStackFile, secretProblems, type StackFile } from "./stackFile.ts";

/** What the command line says of a patch. */
export interface PatchOptions {
  /** Where the files go. */
  readonly folder: string;
  /** The stack's name. */
  readonly stack: string;
  /** A kubeadm config file; 0 is standard input. Undefined for a cluster that is there. */
  readonly kubeadmConfig?: string | 0 | undefined;
  /** The version that kubeadm is to make; undefined for that of the stack's config, or the cluster. */
  readonly kubernetesVersion?: string | undefined;
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
}

const configFile = "kubeadm.yaml";
const mark = "# Made by `npm run render -- --kubeadm-patch` of kube-proxy as code";

/**
 * Writes the settings of a stack as kubeadm's own patch, and the documents that go with it.
 *
 * @param warn - is told what kubeadm makes otherwise all the same
 * @throws ProblemsError, UsageError: then nothing is written
 */
export async function writeKubeadmPatch(
  options: PatchOptions,
  warn: (lines: readonly string[]) => void,
): Promise<void> {
  const { kubeadmConfig, kubernetesVersion } = options;
  const folder = resolve(options.folder);
  refuseOthers(folder);
  const stack = readStackFile(options.stack);
  refuse(stack.file, secretProblems(stack));
  const own: Partial<Plain> = {
    ...stack.values,
    ...(kubernetesVersion !== undefined && { kubernetesVersion }),
  };
  const base = kubeadmConfig === undefined ? await fromCluster(stack, options) : fromFile(kubeadmConfig);
  const known = { ...base.settings, ...own };
  const release = parseVersion(known.kubernetesVersion);
  const problems = [
    ...checkArgs(stackConfigShape, known, base.facts),
    ...(release === undefined ? [] : patchProblems(known, release.minor, base.facts)),
  ];
  refuse(`${stack.file} and ${base.name}; nothing was written`, problems);
  if (release === undefined) throw new Error("a version that is not known was not refused");
  // A file has its own settings already; of a cluster's, kubeadm-config does not have all.
  const settings = base.facts === undefined ? own : known;
  const documents = withSettings(base.documents, settings, release.minor, folder);
  const text = Object.values(documents).map(yaml).join("---\n");
  const made = readKubeadmConfig(text, base.name);
  const { configuration: _, ...shared } = made.settings;
  const patch = kubeadmPatch(made.settings, { ...shared, ...known }, base.facts);
  warn([
    ...patchWarnings(own, base.facts && base.settings),
    ...leftOut(base, own),
    ...otherFolder(made.patches, folder),
    ...otherPatches(folder),
  ]);
  mkdirSync(folder, { recursive: true });
  // Variables and tokens are in them.
  write(join(folder, patchFile), `${mark}: what it changes in kubeadm's DaemonSet.\n${yaml(patch)}`);
  write(join(folder, configFile), `${mark}: the documents that go with ${patchFile}.\n${text}`);
}

/** Where the settings come from which the stack's config leaves out. */
interface Base {
  readonly name: string;
  readonly documents: Parameters<typeof withSettings>[0];
  readonly settings: Partial<Settings>;
  readonly facts?: ClusterFacts;
}

async function fromCluster(stack: StackFile, { kubeconfig, context }: PatchOptions): Promise<Base> {
  if (kubeconfig === undefined && stack.secrets.includes("kubeconfig")) {
    throw new UsageError(
      `--kubeconfig: is required: ${stack.file} has it as a secret, which only Pulumi can read`,
    );
  }
  const values = stack.values as { kubeconfig?: string; context?: string };
  const choice = choiceOf({
    kubeconfig: kubeconfig ?? values.kubeconfig,
    // The stack's context is one of the stack's kubeconfig.
    context: context ?? (kubeconfig === undefined ? values.context : undefined),
  });
  const facts = await askFacts(choice).catch((error: unknown) => {
    throw new UsageError(`${(error as Error).message}; for \`kubeadm init\`, give --kubeadm-config`);
  });
  if (wholeFacts(facts) === undefined) throw new ProblemsError(readingCluster, unreadProblems(facts));
  const name = "ConfigMap kubeadm-config";
  if (facts.clusterConfiguration === undefined) {
    throw new ProblemsError("the cluster", [
      { path: name, accepted: "is required; or give --kubeadm-config" },
    ]);
  }
  const { settings, problems } = clusterSettings(facts);
  refuse("the cluster", problems);
  return { name, documents: readDocuments(readYaml(facts.clusterConfiguration)).documents, settings, facts };
}

function fromFile(file: string | 0): Base {
  const name = file === 0 ? "standard input" : file;
  const { documents, problems } = readDocuments(readYaml(readInput("--kubeadm-config", file)));
  refuse(name, problems);
  return { name, documents, settings: settingsIn(documents) };
}

function refuse(where: string, problems: readonly Problem[]): void {
  if (problems.length > 0) throw new ProblemsError(where, problems);
}

function yaml(value: unknown): string {
  return `${marshal(value as Yaml)}\n`;
}

/** Nothing that somebody else has written is overwritten. */
function refuseOthers(folder: string): void {
  const others = [patchFile, configFile]
    .map((name) => join(folder, name))
    .filter((path) => existsSync(path) && !readFileSync(path, "utf8").startsWith(mark));
  if (others.length > 0) {
    throw new UsageError(
      `--kubeadm-patch: ${others.join(", ")} is not this program's, and is not overwritten: move it away, or choose another folder`,
    );
  }
}

/** The next `pulumi up` would take back what the stack's config does not have. */
function leftOut({ name, documents }: Base, { configuration }: Partial<Plain>): string[] {
  return configuration !== undefined || documents["KubeProxyConfiguration"] === undefined
    ? []
    : [`KubeProxyConfiguration: that of ${name} is left out: have its fields in the stack's configuration`];
}

function otherFolder(directory: string | undefined, folder: string): string[] {
  return directory === undefined || resolve(directory) === folder
    ? []
    : [`InitConfiguration.patches.directory: kubeadm reads one folder, ${directory}: put ${patchFile} there`];
}

/** kubeadm applies all files of the target, those of folders below as well. */
function otherPatches(folder: string): string[] {
  const files = filesBelow(folder);
  const own = typeof files === "string" ? [] : patchesOf(files).map(({ file }) => file);
  const others = own.filter((file) => file !== patchFile);
  return others.length === 0
    ? []
    : [
        `${folder}: kubeadm patches the DaemonSet by ${others.join(", ")} as well, which this program does not know`,
      ];
}

function write(path: string, content: string): void {
  writeFileSync(path, content, { mode: 0o600 });
  print(path);
}
