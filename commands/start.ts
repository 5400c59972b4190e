// `npm start`, the main job from nothing to a restart: a control plane on this machine, kube-proxy provisioned by the
// program, then restarted by a changed config value.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { kubectl, type Lab, up as labUp } from "../lab/index.ts";
import { chooseEngine, type Result, type Stack } from "../tests/engine/index.ts";

const root = join(import.meta.dirname, "..");
const stackName = "dev";
const nodes = 20;

/** kube-proxy as the cluster sees it. */
interface Running {
  readonly uid: string;
  readonly ready: number;
  readonly desired: number;
  /** UIDs of its pods. */
  readonly pods: readonly string[];
}

async function main(): Promise<void> {
  heading(1, `A control plane on this machine, with ${nodes} nodes`);
  const lab = await labUp({ nodes, log });
  log(`Kubernetes ${lab.kubernetesVersion} at ${lab.server}.`);

  heading(2, "kube-proxy, provisioned by the program");
  const stack = await openStack(await tokenOf(lab));
  await run(stack, "pulumi up");
  const before = await look(lab);
  log(`DaemonSet kube-proxy, uid ${before.uid}: ${before.ready} of ${before.desired} pods ready.`);
  log(await samplePods(lab));

  heading(3, "A restart, by a changed config value");
  const token = new Date().toISOString();
  log(`pulumi config set restart ${token}`);
  await stack.setConfig({ restart: token });
  const restart = await run(stack, "pulumi up");
  const after = await look(lab);
  const kept = after.pods.filter((pod) => before.pods.includes(pod));
  log(`DaemonSet kube-proxy, uid ${after.uid}: ${after.ready} of ${after.desired} pods ready.`);
  log(await samplePods(lab));

  if (after.uid === before.uid || kept.length > 0 || after.ready !== after.desired) {
    throw new Error(
      `the restart is not what it should be: uid ${before.uid} -> ${after.uid}, ${kept.length} old pods left, ` +
        `${after.ready} of ${after.desired} ready`,
    );
  }
  console.log(`
Done: kube-proxy restarted on ${after.desired} nodes in ${seconds(restart.durationMs)}.
  old DaemonSet  ${before.uid}
  new DaemonSet  ${after.uid}
  pods           ${after.pods.length} of ${after.pods.length} are new, all ready

The lab still runs. Look around with   npm run lab -- kubectl -n kube-system get pods -o wide
End it with                            npm run lab -- down

On a real cluster: install the Pulumi CLI, then
  pulumi stack init prod
  pulumi config set context <your context>
  pulumi config set kubernetesVersion v1.37.2
  pulumi config set controlPlaneEndpoint <host:port of your API server>
  pulumi preview, pulumi up, and to restart: pulumi config set restart <any new text>, pulumi up
README.md says more; on a cluster where kubeadm has already installed kube-proxy read its part on that first.`);
}

/** The token of an earlier `npm start` whose kube-proxy still runs. */
async function tokenOf(lab: Lab): Promise<string | undefined> {
  const path = "jsonpath={.metadata.annotations.kube-proxy/restart}";
  const token = await query(lab, ["daemonset", "kube-proxy", "--ignore-not-found", "-o", path]);
  return token === "" ? undefined : token;
}

async function openStack(restart: string | undefined): Promise<Stack> {
  const engine = await chooseEngine();
  log(engine.description);
  const file = readFileSync(join(root, `Pulumi.${stackName}.yaml`), "utf8");
  const { config } = parse(file) as { config: Record<string, unknown> };
  const workDir = join(root, ".cache", "start", engine.kind);
  return await engine.open({
    stack: stackName,
    workDir,
    projectDir: root,
    // Without the token in force, the first `up` of a second run would be a restart already.
    config: { ...config, ...(restart !== undefined && { restart }) },
    log: (line) => {
      log(`  ${line}`);
    },
  });
}

async function run(stack: Stack, what: string): Promise<Result> {
  log(what);
  const result = await stack.up();
  if (!result.ok) {
    throw new Error(`${what} failed with exit code ${result.exitCode}; its output above says why`);
  }
  return result;
}

async function look(lab: Lab): Promise<Running> {
  const daemonSet = await get<{
    metadata: { uid: string };
    status: { numberReady: number; desiredNumberScheduled: number };
  }>(lab, ["daemonset", "kube-proxy"]);
  const { items } = await get<{ items: { metadata: { uid: string } }[] }>(lab, [
    "pods",
    "-l",
    "k8s-app=kube-proxy",
  ]);
  return {
    uid: daemonSet.metadata.uid,
    ready: daemonSet.status.numberReady,
    desired: daemonSet.status.desiredNumberScheduled,
    pods: items.map(({ metadata }) => metadata.uid),
  };
}

async function get<T>(lab: Lab, what: string[]): Promise<T> {
  return JSON.parse(await query(lab, [...what, "-o", "json"])) as T;
}

async function samplePods(lab: Lab): Promise<string> {
  const table = await query(lab, ["pods", "-l", "k8s-app=kube-proxy", "-o", "wide"]);
  const lines = table.trimEnd().split("\n");
  const more = lines.length > 4 ? [`... and ${lines.length - 4} more`] : [];
  return [...lines.slice(0, 4), ...more].map((line) => `  ${line}`).join("\n");
}

async function query(lab: Lab, what: string[]): Promise<string> {
  const { code, stdout, stderr } = await kubectl(lab, ["-n", "kube-system", "get", ...what]);
  if (code !== 0) {
    throw new Error(`kubectl get ${what.join(" ")} failed: ${stderr.trim()}`);
  }
  return stdout;
}

function heading(step: number, what: string): void {
  console.log(`\n${step}/3 ${what}`);
}

function log(line: string): void {
  console.log(line);
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

try {
  await main();
} catch (error) {
  console.error(`\nnpm start failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
