import { parseArgs } from "node:util";
import { marshal, type Yaml } from "../components/configuration/goYaml.ts";
import { readKubeadmConfig } from "../components/kubeadm/configFile.ts";
import { patchWarnings } from "../components/kubeadm/initPhases.ts";
import { kubeProxyObjects } from "../components/kubeadm/manifests.ts";
import type { KubeProxyObjects } from "../components/kubeadm/objects.ts";
import type { Settings } from "../components/kubeadm/settings.ts";
import { parseVersion } from "../components/kubeadm/version.ts";
import { planOf } from "../components/plan/plan.ts";
import { acceptedToken, isToken } from "../components/restart/restart.ts";
import { complain, print, readInput, runCommand, UsageError } from "./commandLine.ts";
import type { PatchOptions } from "./kubeadmPatch.ts";
import { filesBelow } from "./patchFolder.ts";

const usage = `Usage: npm run --silent render -- --kubeadm-config FILE [--restart TOKEN]
       npm run --silent render -- --kubeadm-patch FOLDER [--stack NAME] [--kubeadm-config FILE]

Prints kube-proxy's objects for a kubeadm config file as YAML, without a cluster. What kubeadm would warn of, and what
it would make otherwise, is told on standard error.

  --kubeadm-config FILE  InitConfiguration, ClusterConfiguration and KubeProxyConfiguration documents, v1beta1 to
                         v1beta4; - for standard input
  --restart TOKEN        the objects as this program applies them, with the annotations of that restart; without it
                         exactly what kubeadm makes

With --kubeadm-patch it writes a stack's settings as a patch for kubeadm of 1.37 or later, so that \`kubeadm upgrade\` and
\`kubeadm init\` make what the program wants: FOLDER/kubeproxydaemonset+json.yaml, and FOLDER/kubeadm.yaml with the
documents that go with it. The cluster is read; with --kubeadm-config none is, for a cluster that is yet to be made.

  --kubeadm-patch FOLDER where the files go; only its own are overwritten
  --stack NAME           whose Pulumi.NAME.yaml has the settings; default: dev
  --kubernetes-version V to which kubeadm is to upgrade; default: kubernetesVersion of the stack's config, or the cluster's
  --context C            context in the kubeconfig; default: the stack's
  --kubeconfig FILE      default: the stack's, else as kubectl
  --help                 this text`;

async function main(): Promise<void> {
  const { file, token, patch } = readCommandLine();
  const kubeadmConfig = file === "-" ? 0 : file;
  if (patch !== undefined) {
    const { writeKubeadmPatch } = await import("./kubeadmPatch.ts");
    await writeKubeadmPatch({ ...patch, kubeadmConfig }, warn);
    return;
  }
  if (kubeadmConfig === undefined) {
    throw new UsageError("--kubeadm-config: is required: the path of a kubeadm config file");
  }
  const { settings, warnings, patches } = readKubeadmConfig(
    readInput("--kubeadm-config", kubeadmConfig),
    kubeadmConfig === 0 ? "standard input" : kubeadmConfig,
  );
  warn([...warnings, ...patchesIn(patches, settings)]);
  const objects = token === undefined ? kubeProxyObjects(settings) : restarted(settings, token);
  for (const object of Object.values(objects) as Yaml[]) {
    // As it is: to the letter what the API server gets.
    // eslint-disable-next-line no-console
    console.log(`---\n${marshal(object)}`);
  }
}

/** More than anybody mends in one go. */
const mostWarnings = 100;

function warn(warnings: readonly string[]): void {
  const more = warnings.length - mostWarnings;
  const lines = [...warnings.slice(0, mostWarnings), ...(more > 0 ? [`and ${more} more`] : [])];
  for (const line of lines) {
    complain(`Warning: ${line}`);
  }
}

function patchesIn(directory: string | undefined, { kubernetesVersion }: Settings): string[] {
  const minor = parseVersion(kubernetesVersion)?.minor;
  return directory === undefined || minor === undefined
    ? []
    : patchWarnings(directory, filesBelow(directory), minor);
}

function restarted(settings: Settings, restart: string): KubeProxyObjects {
  const { objects, waves } = planOf({ ...settings, restart });
  return { ...objects, daemonSet: waves[0].daemonSet };
}

const text = { type: "string" } as const;
/** Options that mean nothing without --kubeadm-patch. */
const ofPatch = { stack: text, "kubernetes-version": text, kubeconfig: text, context: text };

interface CommandLine {
  readonly file: string | undefined;
  readonly token: string | undefined;
  readonly patch?: Omit<PatchOptions, "kubeadmConfig">;
}

function readCommandLine(): CommandLine {
  const { values } = parseArgs({
    options: {
      ...{ "kubeadm-config": text, restart: text, "kubeadm-patch": text, help: { type: "boolean" } },
      ...ofPatch,
    },
  });
  if (values.help === true) {
    print(usage);
    process.exit(0);
  }
  const { "kubeadm-config": file, restart: token, "kubeadm-patch": folder } = values;
  if (token !== undefined && !isToken(token)) {
    throw new UsageError(`--restart: ${JSON.stringify(token)} is not accepted; accepted: ${acceptedToken}`);
  }
  if (folder === undefined) {
    const alone = Object.keys(ofPatch).filter((name) => name in values);
    if (alone.length > 0) {
      throw new UsageError(`--${alone.join(", --")}: only with --kubeadm-patch FOLDER`);
    }
    return { file, token };
  }
  if (folder.trim() === "") {
    throw new UsageError('--kubeadm-patch: "" is not accepted; accepted: the path of a folder');
  }
  if (token !== undefined) {
    throw new UsageError("--restart: not with --kubeadm-patch, which has the token of the stack's config");
  }
  const { stack = "dev", kubeconfig, context, "kubernetes-version": kubernetesVersion } = values;
  return { file, token, patch: { folder, stack, kubeconfig, context, kubernetesVersion } };
}

await runCommand({ usage }, main);
