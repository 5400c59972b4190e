// `npm start`, the main job from nothing to a restart: a control plane on this machine, kube-proxy provisioned by the
// program, then restarted by a changed config value.
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parse } from "yaml";
import { findReports } from "../components/cluster/report/files.ts";
import { restartAnnotation } from "../components/restart/restart.ts";
import { kubectl, type Lab, up as labUp } from "../lab/index.ts";
import { openShop } from "../lab/shop.ts";
import { chooseEngine, type Result, type Stack } from "../tests/engine/index.ts";

const root = join(import.meta.dirname, "..");
const stackName = "dev";
const nodes = 20;

/** Two waves: a few nodes try a restart out for all others. */
const canaryLabel = "example.com/pool";
const canaries = ["node-0001", "node-0002"];
const pools = [
  { name: "canary", nodeSelector: { [canaryLabel]: "canary" } },
  { name: "rest", matchExpressions: [{ key: canaryLabel, operator: "NotIn", values: ["canary"] }] },
];

const selected = ["-l", "k8s-app=kube-proxy"];

/** kube-proxy as the cluster sees it. */
interface Running {
  readonly daemonSets: readonly {
    readonly name: string;
    readonly uid: string;
    readonly ready: number;
    readonly desired: number;
  }[];
  /** UIDs of its pods. */
  readonly pods: readonly string[];
}

async function main(): Promise<void> {
  heading(
    1,
    `A control plane on this machine, with ${nodes} nodes, of which ${canaries.length} are canaries`,
  );
  const lab = await labUp({ nodes, log });
  await run(lab, ["label", "node", ...canaries, `${canaryLabel}=canary`, "--overwrite"]);
  log(`Kubernetes ${lab.kubernetesVersion} at ${lab.server}.`);

  heading(2, "kube-proxy, provisioned by the program, pool by pool");
  const stack = await openStack(await tokenOf(lab));
  await up(stack);
  const before = await look(lab);
  describe(before);

  heading(3, "A restart, by a changed config value: the canaries first, the others when those are verified");
  const token = new Date().toISOString();
  log(`pulumi config set restart ${token}`);
  await stack.setConfig({ restart: token });
  const restart = await up(stack);
  const after = await look(lab);
  describe(after);

  const kept = after.pods.filter((pod) => before.pods.includes(pod));
  const same = after.daemonSets.filter(({ uid }) => before.daemonSets.some((old) => old.uid === uid));
  if (
    same.length > 0 ||
    kept.length > 0 ||
    after.daemonSets.some(({ ready, desired }) => ready !== desired)
  ) {
    throw new Error(
      `the restart is not what it should be: ${same.length} DaemonSets and ${kept.length} pods are the old ones; ` +
        after.daemonSets
          .map(({ name, ready, desired }) => `${name}: ${ready} of ${desired} ready`)
          .join(", "),
    );
  }
  await openShop(lab);
  const kubeconfig = relative(process.cwd(), lab.kubeconfig);
  const folder = join(root, String(stackConfig()["kube-proxy:snapshotFolder"]));
  const report = findReports(folder).at(-1)?.page;
  if (report === undefined) throw new Error(`the restart has left no report in ${folder}`);
  console.log(`
Done: kube-proxy restarted on ${after.pods.length} nodes in ${seconds(restart.durationMs)}, in ${after.daemonSets.length} waves; every pod is new, ready and verified.

The lab still runs. Look around with   npm run lab -- kubectl -n kube-system get pods -o wide
End it with                            npm run lab -- down

In it is a Service that does not answer, web in namespace shop, and kube-proxy is not the reason. Ask why:
  npm run --silent doctor -- --kubeconfig ${kubeconfig} --service shop/web

On a real cluster: install the Pulumi CLI, then
  pulumi stack init prod && pulumi config set context <your context>
  pulumi config set adopt true    takes over the kube-proxy that kubeadm has installed, with no pod restarted
  pulumi up, and to restart: pulumi config set restart <any new text>, pulumi up
README.md says more.

The restart's report, to be opened in a browser: ${relative(process.cwd(), report)}`);
}

/** The dev stack's config, as its file has it. */
function stackConfig(): Record<string, unknown> {
  const file = readFileSync(join(root, `Pulumi.${stackName}.yaml`), "utf8");
  return (parse(file) as { config: Record<string, unknown> }).config;
}

/** The token of an earlier `npm start` whose kube-proxy still runs. */
async function tokenOf(lab: Lab): Promise<string | undefined> {
  const [daemonSet] = await get<{ metadata: { annotations?: Record<string, string> } }>(lab, "daemonsets");
  return daemonSet?.metadata.annotations?.[restartAnnotation];
}

async function openStack(restart: string | undefined): Promise<Stack> {
  const engine = await chooseEngine();
  log(engine.description);
  const config = stackConfig();
  const workDir = join(root, ".cache", "start", engine.kind);
  return await engine.open({
    stack: stackName,
    workDir,
    projectDir: root,
    // Without the token in force, the first `up` of a second run would be a restart already.
    config: { ...config, pools, ...(restart !== undefined && { restart }) },
    log: (line) => {
      log(`  ${line}`);
    },
  });
}

async function up(stack: Stack): Promise<Result> {
  log("pulumi up");
  const result = await stack.up();
  if (!result.ok) {
    throw new Error(`pulumi up failed with exit code ${result.exitCode}; its output above says why`);
  }
  return result;
}

async function look(lab: Lab): Promise<Running> {
  const daemonSets = await get<{
    metadata: { name: string; uid: string };
    status: { numberReady: number; desiredNumberScheduled: number };
  }>(lab, "daemonsets");
  const pods = await get<{ metadata: { uid: string } }>(lab, "pods");
  return {
    daemonSets: daemonSets.map(({ metadata: { name, uid }, status }) => {
      return { name, uid, ready: status.numberReady, desired: status.desiredNumberScheduled };
    }),
    pods: pods.map(({ metadata }) => metadata.uid),
  };
}

function describe({ daemonSets }: Running): void {
  for (const { name, uid, ready, desired } of daemonSets) {
    log(`DaemonSet ${name}, uid ${uid}: ${ready} of ${desired} pods ready.`);
  }
}

async function get<T>(lab: Lab, kind: string): Promise<T[]> {
  return (JSON.parse(await run(lab, ["get", kind, ...selected, "-o", "json"])) as { items: T[] }).items;
}

async function run(lab: Lab, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await kubectl(lab, ["-n", "kube-system", ...args]);
  if (code !== 0) {
    throw new Error(`kubectl ${args.join(" ")} failed: ${stderr.trim()}`);
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
