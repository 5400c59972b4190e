import { setTimeout as sleep } from "node:timers/promises";
import type { KubeConfig } from "../kubernetes.ts";
import { syncReasons } from "../verify/observation.ts";
import { Line, probeConcurrency } from "../verify/probe.ts";

/** Between two questions, in milliseconds: by so much a moment can be late that is not the node's own. */
const intervalMs = 500;

/** How long a kube-proxy is asked, in milliseconds; one that takes longer is told by the proof. */
const longestMs = 120_000;

/** A pod that is asked. */
export interface Asked {
  readonly uid: string;
  readonly name: string;
  /** Where its kube-proxy serves its metrics, see `metricsPortOf`. */
  readonly port: number;
}

/** Told when a pod's process has synced its rules. */
export type OnSync = (uid: string, at: number, isExact: boolean) => void;

/**
 * Asks new kube-proxies for their metrics until they have synced their rules for the first time, some at once; the others
 * wait for their turn.
 */
export class FirstSyncs {
  readonly #config: KubeConfig;
  readonly #signal: AbortSignal;
  readonly #onSync: OnSync;
  readonly #waiting: Asked[] = [];
  #running = 0;

  constructor(
    config: KubeConfig,
    { signal, onSync }: { readonly signal: AbortSignal; readonly onSync: OnSync },
  ) {
    this.#config = config;
    this.#signal = signal;
    this.#onSync = onSync;
  }

  /** How many have not answered yet. */
  get pending(): number {
    return this.#waiting.length + this.#running;
  }

  /** Asks a pod that has become ready. */
  ask(asked: Asked): void {
    this.#waiting.push(asked);
    if (this.#running < probeConcurrency) void this.#work();
  }

  async #work(): Promise<void> {
    this.#running += 1;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await this.#follow(next);
    }
    this.#running -= 1;
  }

  async #follow({ uid, name, port }: Asked): Promise<void> {
    const until = Date.now() + longestMs;
    const line = new Line(this.#config, { pod: name, port }, this.#signal);
    try {
      while (!this.#signal.aborted && Date.now() < until) {
        const metrics = await line.askMetrics();
        const now = Date.now();
        if (typeof metrics !== "string" && syncReasons(metrics).length === 0) {
          const last = Math.max(...metrics.lastSync.values()) * 1000;
          // With one sync a family the last one is the first one; with more of them it was not later than this.
          const isExact = metrics.syncs > 0 && metrics.syncs <= metrics.lastSync.size && last <= now;
          this.#onSync(uid, Math.min(last, now), isExact);
          return;
        }
        await sleep(intervalMs, undefined, { signal: this.#signal }).catch(() => undefined);
      }
    } finally {
      line.close();
    }
  }
}
