/** Pure: what the proof of a wave has found, as tables. */
import { escape, html } from "./svg.ts";
import { signed } from "./text.ts";
import type { NodeProof, WaveReport } from "./types.ts";

/** Of good nodes so many are shown at once; more are folded. */
const mostShown = 50;

/** What the proof of a wave has found, those that are not well first; empty where there is none. */
export function proofOf({ daemonSet, proof }: WaveReport): string {
  if (proof === null) return "";
  const { verified, failed, excluded, seconds, nodes } = proof;
  const parts = [
    `${verified} of ${verified + failed} nodes verified`,
    ...(excluded > 0 ? [`${excluded} NotReady and not asked`] : []),
    `after ${seconds.toFixed(1)} s`,
  ];
  const good = nodes.filter(({ verdict }) => verdict === "verified");
  const others = nodes.filter(({ verdict }) => verdict !== "verified");
  const folded = good.length > mostShown;
  return [
    html(
      "h3",
      {},
      signed(failed === 0 && verified > 0 ? "verified" : "failed", `${daemonSet}: ${parts.join(", ")}`),
    ),
    others.length === 0 ? "" : table("Nodes that are not verified", others),
    good.length === 0
      ? ""
      : folded
        ? html(
            "details",
            {},
            html("summary", {}, `${good.length} verified nodes`),
            table("Verified nodes", good),
          )
        : table("Verified nodes", good),
  ].join("");
}

function table(caption: string, nodes: readonly NodeProof[]): string {
  const header = ["Node", "Pod", "Mode", "Synced after", "Service", "Verdict"];
  const isNumber = (name: string) => (name === "Synced after" ? { class: "number" } : {});
  return html(
    "div",
    { class: "wide" },
    html(
      "table",
      {},
      html("caption", {}, escape(caption)),
      html(
        "thead",
        {},
        html("tr", {}, ...header.map((name) => html("th", { scope: "col", ...isNumber(name) }, name))),
      ),
      html("tbody", {}, ...nodes.map(rowOf)),
    ),
  );
}

function rowOf({ node, pod, mode, syncDelaySeconds, service, verdict, reasons }: NodeProof): string {
  const delay = syncDelaySeconds === null ? "–" : `${syncDelaySeconds.toFixed(2)} s`;
  return html(
    "tr",
    {},
    html("th", { scope: "row" }, escape(node)),
    ...[pod ?? "–", mode ?? "–"].map((cell) => html("td", {}, escape(cell))),
    html("td", { class: "number" }, delay),
    html("td", {}, escape(serviceOf(service))),
    html("td", {}, signed(verdict, [verdict, ...reasons].join(": "))),
  );
}

function serviceOf(service: NodeProof["service"]): string {
  if (service === null) return "–";
  return service.verdict === "answers"
    ? `answers after ${service.seconds.toFixed(1)} s`
    : `${service.verdict}: ${service.reason}`;
}
