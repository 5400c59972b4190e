import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual, promisify } from "node:util";
import fc from "fast-check";
import { settingsOfKubeadmConfig } from "../components/kubeadm/configFile.ts";
import { kubeProxyObjects } from "../components/kubeadm/manifests.ts";
import { type Input, inputs } from "./inputs.ts";
import { asSent, byKind, printedObjects } from "./printed.ts";

const run = promisify(execFile);

/** `--dry-run` asks no server, but reads how it would. */
const kubeconfig = JSON.stringify({
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "a", cluster: { server: "https://127.0.0.1:1" } }],
  users: [{ name: "a", user: {} }],
  contexts: [{ name: "a", context: { cluster: "a", user: "a" } }],
  "current-context": "a",
});

/**
 * The six objects that `kubeadm init phase addon kube-proxy --dry-run` would send, by kind.
 *
 * @param path - the kubeadm binary
 * @throws Error with kubeadm's own words when it refuses the input
 */
export async function kubeadmObjects(path: string, { config, env }: Input): Promise<Record<string, object>> {
  const folder = mkdtempSync(join(tmpdir(), "kubeadm-"));
  try {
    const files = { config: join(folder, "kubeadm.yaml"), kubeconfig: join(folder, "admin.conf") };
    writeFileSync(files.config, config);
    writeFileSync(files.kubeconfig, kubeconfig);
    const args = ["init", "phase", "addon", "kube-proxy", "--dry-run", "--config", files.config];
    const { stdout } = await run(path, [...args, "--kubeconfig", files.kubeconfig], {
      // Nothing of this machine: kubeadm copies proxy variables, and would write below /etc otherwise.
      env: { HOME: folder, PATH: "", KUBEADM_INIT_DRYRUN_DIR: folder, ...env },
      maxBuffer: 2 ** 24,
    });
    return byKind(printedObjects(stdout).map(asSent));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The same objects as this project renders them. */
export function ourObjects({ config, env }: Input): Record<string, object> {
  const settings = settingsOfKubeadmConfig(config, "kubeadm.yaml");
  const copied = Object.entries(env)
    .filter(([, value]) => value !== "")
    .map(([name, value]) => ({ name, value }));
  return byKind(Object.values(kubeProxyObjects({ ...settings, env: copied })) as object[]);
}

/** The outcome of one minor's comparison with its kubeadm. */
export interface KubeadmComparison {
  readonly minor: number;
  readonly compared: number;
  /** Inputs for which kubeadm and this project do not make the same objects, and which. */
  readonly differences: readonly { readonly input: Input; readonly kinds: readonly string[] }[];
}

/** Gives generated inputs to kubeadm and to this project. */
export async function compareWithKubeadm(
  path: string,
  minor: number,
  count: number,
  seed: number,
): Promise<KubeadmComparison> {
  const differences = [];
  for (const input of fc.sample(inputs(minor), { numRuns: count, seed })) {
    const [ours, theirs] = [ourObjects(input), await kubeadmObjects(path, input)];
    const kinds = Object.keys({ ...ours, ...theirs }).filter(
      (kind) => !isDeepStrictEqual(ours[kind], theirs[kind]),
    );
    if (kinds.length > 0) {
      differences.push({ input, kinds });
    }
  }
  return { minor, compared: count, differences };
}
