/** What was measured of the switches between modes, one after the other. Pure. */
import { isDeepStrictEqual } from "node:util";
import type { Engine } from "../../tests/engine/index.ts";
import type { Count, Flow, Result, Timeline } from "../node/behaviour.ts";
import { measuredSwitches, type Switch, type Way } from "./cases.ts";

/** What a switch did, measured once. */
export interface SwitchResult extends Result {
  /** When it had been measured; ISO 8601. */
  readonly at: string;
  /** The machine's load average of the last minute then. */
  readonly load: number;
  readonly from: Switch["from"];
  readonly way: Way;
  /** How the same questions fared right before it, while nothing was done: the emulated node's own pace. */
  readonly control: Readonly<Record<Flow, Count>>;
  /** What failed, as far as anything did. */
  readonly failures: readonly string[];
  /** Of the kept TCP connections that broke, the node's own that had, by ipvs, a Service's IPv6 address as their source. */
  readonly own: number;
  /** How many TCP connections the user was told of that ipvs carried. */
  readonly carried?: number;
  /** How many parts of the old mode were on the node afterwards. */
  readonly left: number;
}

/** What everything was measured on. */
export interface Setting {
  readonly engine: Engine["kind"];
  readonly cores: number;
  readonly kubernetes: string;
  readonly kernel: string;
  /** What the node says of its processor, by which an emulated one is known. */
  readonly processor: string;
}

/** What was measured of the switches so far. */
export interface Switches {
  readonly command: string;
  readonly setting: Setting;
  readonly results: readonly SwitchResult[];
  /** For pictures, by their names. */
  readonly timelines: Readonly<Record<string, Timeline>>;
}

/** What a switch did, and its course where there is to be a picture. */
export interface Outcome {
  readonly setting: Setting;
  readonly result: SwitchResult;
  readonly timelines: Switches["timelines"];
}

/** What was measured before and what has come since, which replaces the same switch; nothing of before on another setting. */
export function including(before: Switches | undefined, { setting, result, timelines }: Outcome): Switches {
  const old = before !== undefined && isDeepStrictEqual(before.setting, setting) ? before : undefined;
  const order = measuredSwitches().map(({ what }) => what);
  const others = old?.results.filter(({ what }) => what !== result.what) ?? [];
  return {
    command: "npm run bench -- --vm",
    setting,
    results: [...others, result].sort((a, b) => order.indexOf(a.what) - order.indexOf(b.what)),
    timelines: { ...old?.timelines, ...timelines },
  };
}
