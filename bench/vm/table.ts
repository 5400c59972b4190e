/** The measured switches as Markdown. */
import { broken, type Column, failed, seconds, table } from "../node/table.ts";
import { toldOf } from "../occasion.ts";
import type { Switches, SwitchResult } from "./index.ts";

/** A table of all switches, those of a direction together, and on what they were measured. */
export function switchTable({
  at,
  command,
  kubernetes,
  kernel,
  processor,
  cores,
  ...rest
}: Switches): string {
  const on = [
    `Measured on ${at.slice(0, 10)} by \`${command}\`: Kubernetes ${kubernetes}, one [node with a kernel of its`,
    `own](lab.md#nodes-with-a-kernel-of-their-own), Linux ${kernel}, processor "${processor}", on a machine with`,
    `${cores} cores, ${toldOf(rest)}`,
  ].join(" ");
  const byDirection = [...Map.groupBy(rest.results, ({ from, mode }) => `${from} to ${mode}`).values()];
  return [on, table(byDirection.flat(), columns), "What was done:", table(byDirection.flat(), commands)].join(
    "\n\n",
  );
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
];

const commands: readonly Column<SwitchResult>[] = [
  ["switch", ({ what }) => what],
  ["by", ({ command }) => command],
];
