/** The measured switches as Markdown. */
import { broken, type Column, failed, seconds, table } from "../node/table.ts";
import { nameOf } from "../occasion.ts";
import type { Switches, SwitchResult } from "./results.ts";

/** A table of all switches, those of a direction together, and on what they were measured. */
export function switchTable({ command, setting, results }: Switches): string {
  const { cores, engine, kernel, kubernetes, processor } = setting;
  const dates = results.map(({ at }) => at.slice(0, 10)).sort();
  const on = [
    `Measured on ${[...new Set(dates)].join(", ")} by \`${command}\`: Kubernetes ${kubernetes}, Linux ${kernel}, processor`,
    `"${processor}", on a machine with ${cores} cores, ${nameOf(engine)}.`,
  ].join(" ");
  const byDirection = [...Map.groupBy(results, ({ from, mode }) => `${from} to ${mode}`).values()].flat();
  return [on, table(byDirection, columns), "What was done:", table(byDirection, commands)].join("\n\n");
}

const columns: readonly Column<SwitchResult>[] = [
  ["switch", ({ what }) => what],
  ["new TCP failed", ({ flows }) => failed(flows["new tcp"])],
  ["UDP unanswered", ({ flows }) => failed(flows["new udp"], flows["kept udp"])],
  [
    "long-lived TCP broken",
    ({ flows, own }) => `${broken(flows["kept tcp"])}${own > 0 ? `, ${own} own` : ""}`,
  ],
  ["ipvs carried", ({ carried }) => (carried === undefined ? "" : String(carried))],
  ["control run failed", ({ control }) => failed(...Object.values(control))],
  ["left of the old mode", ({ left }) => (left === 0 ? "nothing" : `${left} parts`)],
  ["took", ({ tookMs }) => seconds(tookMs)],
  ["load average", ({ load }) => String(load)],
];

const commands: readonly Column<SwitchResult>[] = [
  ["switch", ({ what }) => what],
  ["by", ({ command }) => command],
];
