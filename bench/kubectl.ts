import { marshal, type Yaml } from "../components/configuration/goYaml.ts";
import type { KubeProxyObjects } from "../components/kubeadm/objects.ts";
import { RestartStrategy } from "../components/restart/restart.ts";
import { kubectl, type Lab } from "../lab/index.ts";

interface Dumped {
  metadata: { name: string; namespace: string; labels: object; annotations: object };
}

/** What an operator would type in place of this program, timed in milliseconds. */
export const recipes: Record<RestartStrategy, { what: string; run: (lab: Lab) => Promise<number> }> = {
  [RestartStrategy.Recreate]: {
    what: "kubectl delete --cascade=foreground, apply, rollout status",
    run: async (lab) => {
      const dumped = JSON.parse(await run(lab, ["get", "daemonset", "kube-proxy", "-o", "json"])) as Dumped;
      const { name, namespace, labels, annotations } = dumped.metadata;
      const manifest = { ...dumped, metadata: { name, namespace, labels, annotations }, status: undefined };
      return await timed(async () => {
        await run(lab, ["delete", "daemonset", "kube-proxy", "--cascade=foreground"]);
        await run(lab, ["apply", "-f", "-"], { stdin: JSON.stringify(manifest) });
        await rolloutStatus(lab);
      });
    },
  },
  [RestartStrategy.Rolling]: {
    what: "kubectl rollout restart, rollout status",
    run: (lab) =>
      timed(async () => {
        await run(lab, ["rollout", "restart", "daemonset", "kube-proxy"]);
        await rolloutStatus(lab);
      }),
  },
};

/** How long it takes to see that nothing is different, with server-side apply as the Kubernetes provider compares. */
export function timeDiff(lab: Lab, objects: KubeProxyObjects): Promise<number> {
  const manifest = (Object.values(objects) as Yaml[]).map((object) => `---\n${marshal(object)}\n`).join("");
  const diff = ["diff", "--server-side", "--force-conflicts", "-f", "-"];
  return timed(() => run(lab, diff, { stdin: manifest, accepted: [0, differs] }));
}

/** How long it takes to see that all pods are ready. */
export function timeStatus(lab: Lab): Promise<number> {
  return timed(() => rolloutStatus(lab));
}

function rolloutStatus(lab: Lab): Promise<string> {
  return run(lab, ["rollout", "status", "daemonset", "kube-proxy", "--timeout=10m"]);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Exit code of `kubectl diff` when there is a difference. */
const differs = 1;

async function run(
  lab: Lab,
  args: string[],
  { stdin, accepted = [0] }: { stdin?: string; accepted?: readonly number[] } = {},
): Promise<string> {
  const options = stdin === undefined ? {} : { stdin };
  const { code, stdout, stderr } = await kubectl(lab, ["-n", "kube-system", ...args], options);
  if (code === null || !accepted.includes(code)) {
    throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
  }
  return stdout;
}
