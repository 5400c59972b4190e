import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { down, type Lab, up, type UpOptions } from "../lab/index.ts";
import { chooseEngine, type Engine, type Stack } from "../tests/engine/index.ts";

const labName = "bench";

/** The stack's config, beside which cluster it is for and where snapshots go. */
export const settings = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10:6443" };

/** What is measured: the program as a stack on a lab. */
export interface Subject {
  readonly lab: Lab;
  readonly stack: Stack;
  readonly snapshotFolder: string;
  readonly kind: Engine["kind"];
}

/**
 * Brings up a lab with a new stack on it, which has made nothing yet, and ends both when the work is done.
 *
 * @param options - what the lab has beside its nodes
 */
export async function withSubject<T>(
  nodes: number,
  work: (subject: Subject) => Promise<T>,
  options: Pick<UpOptions, "kubeApiQps"> = {},
): Promise<T> {
  const engine = await chooseEngine();
  console.log(engine.description);
  const workDir = mkdtempSync(join(tmpdir(), "kube-proxy-bench-"));
  try {
    const lab = await up({ ...options, name: labName, nodes, log: console.log });
    const snapshotFolder = join(workDir, "snapshots");
    const stack = await engine.open({
      stack: "bench",
      workDir,
      projectDir: join(import.meta.dirname, ".."),
      config: { ...settings, kubeconfig: lab.kubeconfig, snapshotFolder },
    });
    return await work({ lab, stack, snapshotFolder, kind: engine.kind });
  } finally {
    await down(labName);
    rmSync(workDir, { recursive: true, force: true });
  }
}
