/** How the page looks: light, dark, narrow, wide and on paper. */
import { colourRules, type Rules, shapes } from "./picture.ts";

/** Names of the page's colours, in the light and the dark theme. */
const colours: readonly (readonly [name: string, light: string, dark: string])[] = [
  ["ground", "#ffffff", "#0d1117"],
  ["raised", "#f6f8fa", "#161b22"],
  ["text", "#1f2328", "#e6edf3"],
  ["quiet", "#59636e", "#9198a1"],
  ["line", "#d0d7de", "#30363d"],
  ["good", "#116329", "#7ee787"],
  ["good-ground", "#dafbe1", "#12261e"],
  ["bad", "#a40e26", "#ffa198"],
  ["bad-ground", "#ffebe9", "#2d1215"],
  ["open", "#7d4e00", "#f2cc60"],
  ["open-ground", "#fff8c5", "#272115"],
];

const pictureColours: readonly (readonly [
  selector: string,
  property: string,
  light: string,
  dark: string,
])[] = [
  [".bare", "fill", "#ff9d92", "#a4372c"],
  [".raw", "fill", "#f2cc60", "#7d5a0b"],
  [".seen", "stroke", "#1f2328", "#e6edf3"],
];

const rules: Rules = (
  choose,
) => `:root { ${colours.map(([name, light, dark]) => `--${name}: ${choose(light, dark)}`).join("; ")} }
${colourRules(choose)}
${pictureColours.map(([selector, property, light, dark]) => `${selector} { ${property}: ${choose(light, dark)} }`).join("\n")}`;

/** The style sheet of the page. Dark is for screens alone: paper is light. */
export const style = `${rules((light) => light)}
@media screen and (prefers-color-scheme: dark) {
${rules((_, dark) => dark)}
}
${shapes}
.sync { stroke: var(--ground); stroke-width: 0.7 }
path.seen { stroke-width: 1.5 }
* { box-sizing: border-box }
:root { color-scheme: light dark }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif }
main { max-width: 1120px; margin: 0 auto; padding: 20px 24px 48px }
h1 { font-size: 26px; line-height: 1.25; margin: 0 }
h2 { font-size: 19px; margin: 36px 0 10px; padding-top: 8px; border-top: 1px solid var(--line); break-after: avoid }
h3 { font-size: 15px; margin: 18px 0 6px; break-after: avoid }
p { margin: 6px 0 }
h1, h2, h3, p, li, dd, th, td, summary { overflow-wrap: anywhere }
.quiet, caption, figcaption, dt { color: var(--quiet) }
.outcome { display: inline-block; padding: 2px 12px; margin: 0 0 12px; border: 2px solid; border-radius: 16px; font-weight: 600 }
.succeeded, .verified { color: var(--good) }
.outcome.succeeded { background: var(--good-ground) }
.failed, .fails { color: var(--bad) }
.outcome.failed { background: var(--bad-ground) }
.interrupted, .running, .warn { color: var(--open) }
.outcome.interrupted, .outcome.running { background: var(--open-ground) }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 14px 0 0 }
dd { margin: 0; min-width: 0 }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; margin: 20px 0 0; padding: 0; list-style: none }
.tiles li { background: var(--raised); border: 1px solid var(--line); border-radius: 6px; padding: 8px 12px }
.tiles b { display: block; font-size: 22px; line-height: 1.3; font-variant-numeric: tabular-nums }
.notice { border-left: 4px solid var(--open); background: var(--open-ground); padding: 8px 14px; margin: 18px 0 0 }
.notice h2 { border: 0; padding: 0; margin: 0 0 4px; font-size: 16px }
.notice ul { margin: 0 }
ul { padding-left: 22px; margin: 6px 0 }
.scroll { overflow-x: auto; margin: 8px 0 }
table { border-collapse: collapse; font-size: 14px; min-width: 60% }
caption { text-align: left; padding-bottom: 4px }
th, td { text-align: left; vertical-align: top; padding: 4px 14px 4px 0; border-bottom: 1px solid var(--line); font-weight: 400; min-width: 5em; max-width: 26em }
thead th { font-weight: 600; white-space: nowrap; border-bottom-width: 2px }
tfoot td { border: 0 }
.one { white-space: nowrap }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
summary { cursor: pointer; padding: 4px 0 }
figure { margin: 8px 0 }
svg { display: block }
svg.wide { width: 100%; min-width: 720px }
svg.spark { width: auto; height: 24px; margin-left: auto }
.halves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 16px }
svg.half { width: 100%; max-width: 560px }
pre.diff { background: var(--raised); border: 1px solid var(--line); border-radius: 6px; padding: 8px 0; overflow-x: auto; margin: 8px 0; font: 13px/1.45 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere }
pre.diff span { display: block; padding: 0 12px }
pre.diff .add { background: var(--good-ground); color: var(--good) }
pre.diff .del { background: var(--bad-ground); color: var(--bad) }
pre.diff .at { color: var(--quiet) }
footer { margin-top: 40px; color: var(--quiet); font-size: 13px; overflow-wrap: anywhere }
@media (max-width: 560px) {
  main { padding: 14px 14px 32px }
  h1 { font-size: 21px }
  dl.facts { grid-template-columns: 1fr }
  dd { margin-bottom: 6px }
  .tiles { grid-template-columns: 1fr 1fr }
}
@page { size: A4; margin: 14mm 12mm }
@media print {
  body { font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact }
  main { max-width: none; padding: 0 }
  .scroll { overflow: visible }
  svg.wide { min-width: 0 }
  table { font-size: 9pt; width: 100% }
  tr, figure, .tiles li, .notice, pre.diff span { break-inside: avoid }
  thead { display: table-header-group }
  caption { break-after: avoid }
  .one, thead th { white-space: normal }
  th, td { min-width: 0; padding-right: 8px }
  details.paper::details-content { content-visibility: visible; block-size: auto }
  details:not(.paper)::after { content: "Not printed: " attr(data-folded) "." }
}
`;
