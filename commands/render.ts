import { parseArgs } from "node:util";
import { marshal, type Yaml } from "../components/configuration/goYaml.ts";
import { settingsOfKubeadmConfig } from "../components/kubeadm/configFile.ts";
import { kubeProxyObjects } from "../components/kubeadm/manifests.ts";
import type { KubeProxyObjects } from "../components/kubeadm/objects.ts";
import type { Settings } from "../components/kubeadm/settings.ts";
import { planOf } from "../components/plan/plan.ts";
import { acceptedToken, isToken } from "../components/restart/restart.ts";
import { print, readInput, runCommand, UsageError } from "./commandLine.ts";

const usage = `Usage: npm run --silent render -- --kubeadm-config FILE [--restart TOKEN]

Prints kube-proxy's objects for a kubeadm config file as YAML, without a cluster.

  --kubeadm-config FILE  InitConfiguration, ClusterConfiguration and KubeProxyConfiguration documents, v1beta2 to
                         v1beta4; - for standard input
  --restart TOKEN        the objects as this program applies them, with the annotations of that restart; without it
                         exactly what kubeadm makes`;

function main(): void {
  const { file, token } = readCommandLine();
  const settings = settingsOfKubeadmConfig(
    readInput("--kubeadm-config", file === "-" ? 0 : file),
    file === "-" ? "standard input" : file,
  );
  const objects = token === undefined ? kubeProxyObjects(settings) : restarted(settings, token);
  for (const object of Object.values(objects) as Yaml[]) {
    // As it is: to the letter what the API server gets.
    // eslint-disable-next-line no-console
    console.log(`---\n${marshal(object)}`);
  }
}

function restarted(settings: Settings, restart: string): KubeProxyObjects {
  const { objects, waves } = planOf({ ...settings, restart });
  return { ...objects, daemonSet: waves[0].daemonSet };
}

function readCommandLine(): { file: string; token: string | undefined } {
  const { values } = parseArgs({
    options: { "kubeadm-config": { type: "string" }, restart: { type: "string" }, help: { type: "boolean" } },
  });
  if (values.help === true) {
    print(usage);
    process.exit(0);
  }
  const { "kubeadm-config": file, restart: token } = values;
  if (file === undefined) {
    throw new UsageError("--kubeadm-config: is required: the path of a kubeadm config file");
  }
  if (token !== undefined && !isToken(token)) {
    throw new UsageError(`--restart: ${JSON.stringify(token)} is not accepted; accepted: ${acceptedToken}`);
  }
  return { file, token };
}

await runCommand({ usage }, main);
