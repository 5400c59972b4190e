/** A stack behind a proxy that interrupts it, on a lab whose kube-proxies are watched. */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { restartAnnotation } from "../../../components/restart/restart.ts";
import type { Lab } from "../../../lab/index.ts";
import { changesOf, type Scenario } from "../scenario.ts";
import { useLab } from "../useLab.ts";
import { type Call, FaultProxy, type Fault, type OnCall } from "./faultProxy.ts";
import { PodWatch, shortcomings } from "./onePerNode.ts";

/** Interrupts runs of the engine, and has plain ones recover. */
export class Rig {
  /** Runs of the engine that were interrupted. */
  interruptions = 0;
  readonly scenario: Scenario;
  readonly #proxy: FaultProxy;
  readonly #pods: PodWatch;
  readonly #nodes: readonly string[];

  constructor(scenario: Scenario, proxy: FaultProxy, pods: PodWatch, nodes: readonly string[]) {
    this.scenario = scenario;
    this.#proxy = proxy;
    this.#pods = pods;
    this.#nodes = nodes;
  }

  /** The calls of an operation that nobody interrupts, in their order. */
  async callsOf(operation: () => Promise<unknown>): Promise<readonly Call[]> {
    this.#proxy.takeCalls();
    await operation();
    return this.#proxy.takeCalls();
  }

  /** Runs an operation again and again, until each of these calls was made and has met the fault. */
  async interrupt(operation: "up" | "destroy", fault: Fault, calls: readonly string[]): Promise<void> {
    const injections = calls.map((call) => this.#proxy.inject(fault, call));
    for (let left = injections; left.length > 0;) {
      const { output } = await this.scenario.stack[operation]();
      const still = left.filter(({ met }) => !met);
      assert.ok(still.length < left.length, `${left[0]?.call ?? ""} was not made:\n${output}`);
      this.interruptions += 1;
      left = still;
    }
  }

  /** Calls back with every call, before it is passed on. */
  onCall(callback: OnCall): void {
    this.#proxy.onCall(callback);
  }

  /**
   * Kills an `up`, and removes its lock.
   *
   * @param isDue - whether the kill is due with this call
   * @param afterMs - how much later
   * @returns false when the `up` had ended before
   */
  async kill(isDue: (call: Call) => boolean | Promise<boolean>, afterMs = 0): Promise<boolean> {
    const running = this.scenario.stack.startUp();
    const kill = (): void => {
      running.kill();
    };
    this.onCall(async (call) => {
      if (await isDue(call)) setTimeout(kill, afterMs);
    });
    const { exitCode } = await running.done;
    this.onCall(() => undefined);
    if (exitCode !== 137) return false;
    this.interruptions += 1;
    await this.scenario.stack.cancel();
    return true;
  }

  /** A plain `up`, after which everything has to be as it is wanted. */
  async recover(token: string): Promise<void> {
    await this.scenario.up();
    await this.assertWell(token);
  }

  /** Everything is as it is wanted: the DaemonSet, one pod of it on each node, and nothing more to do. */
  async assertWell(token: string): Promise<void> {
    const { cluster, stack } = this.scenario;
    const [daemonSet, pods, preview] = await Promise.all([
      cluster.daemonSet(),
      cluster.pods(),
      stack.preview(),
    ]);
    assert.equal(daemonSet?.metadata.annotations?.[restartAnnotation], token);
    assert.deepEqual(shortcomings(pods, this.#nodes, token), []);
    assert.deepEqual(changesOf(preview), [], preview.output);
    this.assertNeverTwo();
  }

  /** No node ever had two kube-proxies at a time. */
  assertNeverTwo(): void {
    assert.deepEqual(this.#pods.violations, []);
  }
}

/** See {@link useRig}. */
export interface RigLab {
  /** While the tests run. */
  readonly rig: Rig;
  /** While the tests run. */
  readonly lab: Lab;
  /** Opens another stack, behind no proxy. */
  open(): Promise<Scenario>;
}

/** A {@link Rig} on a lab of its own for the tests of one suite; see {@link useLab}. */
export function useRig(name: string, config: Record<string, unknown>): RigLab {
  const at = useLab({ name, nodes: 3 });
  let rig: Rig | undefined;
  let proxy: FaultProxy;
  let pods: PodWatch;
  before(async () => {
    proxy = await FaultProxy.start(at.lab);
    pods = await PodWatch.start(at.lab);
    // What a change was worth is not asked here, only whether it is made: without the proof it takes half the time.
    const scenario = await at.open({ kubeconfig: proxy.kubeconfig, verify: false, ...config });
    const nodes = await scenario.cluster.kubectl([
      "get",
      "nodes",
      "-o",
      "jsonpath={.items[*].metadata.name}",
    ]);
    rig = new Rig(scenario, proxy, pods, nodes.split(" "));
  });
  after(async () => {
    await pods.stop();
    await proxy.stop();
  });
  return {
    get rig() {
      assert.ok(rig, "the rig is there for the tests, not for the suite");
      return rig;
    },
    get lab() {
      return at.lab;
    },
    open: () => at.open({ verify: false, ...config }),
  };
}
